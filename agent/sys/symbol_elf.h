/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbol_elf.h - names of addresses out of one ELF file, or of the file its symbols were moved to. For symbol.c.
 */
#ifndef PF_SYS_SYMBOL_ELF_H
#define PF_SYS_SYMBOL_ELF_H

#include "sys/symbol.h"

/* One address to be named. */
struct pf_symbol_query {
	uint64_t file_offset;	  /* where in the file */
	uint64_t back;		  /* 1 for a return address: the byte before is looked up */
	struct pf_symbol *symbol; /* name, build_id and offset are filled; module is the caller's */
};

/* Opens another file where the first one is from: a descriptor of a regular file, or -errno. */
typedef int (*pf_symbol_open)(const void *arg, const char *path);

/**
 * pf_symbol_elf() - fills what is known of @nr <= PF_SYMBOLS_MAX queries in the ELF file @fd.
 * @path: of the file, for the folders in which its symbols may be; @open, @arg: to open them.
 *
 * A file without a full symbol table may have one elsewhere: /usr/lib/debug/.build-id/XX/YYYY.debug, or a name in its
 * .gnu_debuglink, which is looked for beside it, in .debug there, and in /usr/lib/debug. It must have the same build id,
 * or the checksum that the link tells; for that the whole file is read, and taken off @crc_left, in bytes: one that is larger
 * than what is left is not looked at. What is not found stays as it was; a file that is not ELF fills nothing.
 */
void pf_symbol_elf(int fd, const char *path, pf_symbol_open open, const void *arg,
		   struct pf_symbol_query *queries, size_t nr, uint64_t *crc_left);

#endif
