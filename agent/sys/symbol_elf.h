/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbol_elf.h - names of addresses out of one ELF file. For symbol.c.
 */
#ifndef PF_SYS_SYMBOL_ELF_H
#define PF_SYS_SYMBOL_ELF_H

#include "sys/symbol.h"

/* One address to be named. */
struct pf_symbol_query {
	uint64_t file_offset;	  /* where in the file */
	uint64_t back;		  /* 1 for a return address: the byte before is looked up */
	struct pf_symbol *symbol; /* name, build_id and offset are filled; module is the caller's */
	uint64_t best;		  /* start of the closest symbol so far; for the lookup itself */
};

/**
 * pf_symbol_elf() - fills what the ELF file @fd knows of @nr queries. What is not in it stays as it
 * was; a file that is not ELF, or damaged, fills nothing.
 */
void pf_symbol_elf(int fd, struct pf_symbol_query *queries, size_t nr);

#endif
