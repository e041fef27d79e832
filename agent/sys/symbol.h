/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbol.h - names for user-space addresses of a running process.
 *
 * An address belongs to a mapping of /proc/PID/maps. In a mapped ELF file its name comes from the symbol table, else from
 * that of a separate debug file (symbol_elf.h), else from the dynamic one; the build id tells which file it was where all
 * are stripped. C++ and Rust names are translated. Code that a just-in-time compiler made is looked up in the process'
 * /tmp/perf-PID.map.
 *
 * Files are opened inside the process' own root, so that names of a container mean the container's
 * files. Needs CAP_SYS_PTRACE for processes of others.
 */
#ifndef PF_SYS_SYMBOL_H
#define PF_SYS_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

enum {
	PF_SYMBOL_NAME_MAX = 128,    /* longer names are cut */
	PF_SYMBOL_MODULE_MAX = 128,  /* of a path its end */
	PF_SYMBOL_BUILD_ID_MAX = 41, /* 20 bytes in hexadecimal */
	PF_SYMBOLS_MAX = 256,	     /* addresses at a time */
};

/* "" where something is not known. */
struct pf_symbol {
	char name[PF_SYMBOL_NAME_MAX];
	char module[PF_SYMBOL_MODULE_MAX]; /* path of the file; "[vdso]", "[jit]" */
	char build_id[PF_SYMBOL_BUILD_ID_MAX];
	uint64_t
		offset; /* in the symbol; without a name, the address in the module's own numbering */
};

/**
 * pf_symbolize() - names @nr addresses, at most PF_SYMBOLS_MAX, of one process.
 * @proc_root: "/proc".
 * @is_return: for each address, whether it is a return address: the call before it is looked up. May
 *             be NULL: none is.
 * @ret_symbols: one for each address, in order; what is not known of one stays "".
 *
 * Return: 0; -errno of reading the process' maps: it is gone (-ENOENT, -ESRCH), or not ours to see
 * (-EACCES, -EPERM).
 */
PF_MUST_CHECK int pf_symbolize(const char *proc_root, uint32_t pid, const uint64_t *addresses,
			       const bool *is_return, size_t nr, struct pf_symbol *ret_symbols);

#endif
