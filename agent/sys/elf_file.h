/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf_file.h - reading what is needed of an ELF file that a stranger may have written.
 *
 * The file is read piece by piece with pread: it is never mapped (its owner could cut it short, and reading on would be
 * fatal), and no header decides how much is allocated. Files of this machine's byte order, 32 and 64
 * bits.
 */
#ifndef PF_SYS_ELF_FILE_H
#define PF_SYS_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

enum {
	PF_ELF_BUILD_ID_MAX = 20,     /* longer ones are cut */
	PF_ELF_SYMBOLS_MAX = 4 << 20, /* of one table that are looked at */
	PF_ELF_NAME_MAX = 4096,
};

struct pf_elf {
	int fd; /* borrowed */
	bool is_64;
	uint64_t size; /* of the file */
	uint64_t segments_at, sections_at;
	uint32_t nr_segments, nr_sections;
	uint32_t segment_bytes, section_bytes;
	uint32_t names_section;
};

struct pf_elf_section {
	uint32_t name; /* offset in the section of names */
	uint32_t type, link;
	uint64_t offset, size, entry_size;
};

struct pf_elf_symbol {
	uint64_t value, size;
	uint32_t name; /* offset in the table's strings */
	unsigned type; /* STT_FUNC, ... */
	bool defined;
};

/** pf_elf_open() - Return: 0; -EBADMSG: not an ELF file we can read; -errno of reading. */
PF_MUST_CHECK int pf_elf_open(int fd, struct pf_elf *ret_elf);

/** pf_elf_address() - the address, in the file's own numbering, of what is loaded from @offset; false: nothing is. */
bool pf_elf_address(const struct pf_elf *elf, uint64_t offset, uint64_t *ret_address);

/** pf_elf_find_section() - the first of @type (any, if 0) with the name @name (any, if NULL). */
bool pf_elf_find_section(const struct pf_elf *elf, uint32_t type, const char *name,
			 struct pf_elf_section *ret_section);

/** pf_elf_build_id() - Return: its bytes; 0 if there is none. */
size_t pf_elf_build_id(const struct pf_elf *elf, uint8_t ret_id[PF_ELF_BUILD_ID_MAX]);

/** pf_elf_debug_link() - file name and checksum of the file that the symbols were moved to. */
bool pf_elf_debug_link(const struct pf_elf *elf, char *ret_name, size_t size, uint32_t *ret_crc);

/** pf_elf_symbols() - hands the symbols of @table to @take, in the file's order, until it returns false. */
void pf_elf_symbols(const struct pf_elf *elf, const struct pf_elf_section *table,
		    bool (*take)(void *arg, const struct pf_elf_symbol *symbol), void *arg);

/** pf_elf_text() - the string at @name of the strings that @table uses; "" if it is not there. Cut to @size. */
void pf_elf_text(const struct pf_elf *elf, const struct pf_elf_section *table, uint32_t name,
		 char *ret_text, size_t size);

#endif
