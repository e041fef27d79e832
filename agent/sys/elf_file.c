// SPDX-License-Identifier: Apache-2.0
/*
 * elf_file.c - headers, notes and symbol tables of ELF files, read with pread.
 */
#include "sys/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SEGMENTS_MAX = 1024,
	SECTIONS_MAX = 4096,
	NOTES_BYTES_MAX = 4096, /* of one section or segment that are looked at */
	CHUNK_BYTES = 64 << 10,
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { OUR_ORDER = ELFDATA2LSB };
#else
enum { OUR_ORDER = ELFDATA2MSB };
#endif

/* All of it, or nothing. */
static bool read_at(const struct pf_elf *elf, uint64_t offset, void *ret_bytes, size_t size)
{
	ssize_t n;

	if (offset > elf->size || size > elf->size - offset)
		return false;
	do
		n = pread(elf->fd, ret_bytes, size, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)size;
}

#define HEADER(elf, from)                                                                          \
	do {                                                                                       \
		(elf)->segments_at = (from)->e_phoff;                                              \
		(elf)->sections_at = (from)->e_shoff;                                              \
		(elf)->nr_segments = PF_MIN((from)->e_phnum, SEGMENTS_MAX);                        \
		(elf)->nr_sections = PF_MIN((from)->e_shnum, SECTIONS_MAX);                        \
		(elf)->segment_bytes = (from)->e_phentsize;                                        \
		(elf)->section_bytes = (from)->e_shentsize;                                        \
		(elf)->names_section = (from)->e_shstrndx;                                         \
	} while (0)

int pf_elf_open(int fd, struct pf_elf *ret_elf)
{
	struct pf_elf elf = { .fd = fd };
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr h32;
		Elf64_Ehdr h64;
	} h;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	elf.size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
	if (!read_at(&elf, 0, &h.h32, sizeof(h.h32)) || memcmp(h.ident, ELFMAG, SELFMAG) != 0 ||
	    h.ident[EI_DATA] != OUR_ORDER)
		return -EBADMSG;
	elf.is_64 = h.ident[EI_CLASS] == ELFCLASS64;
	if (elf.is_64 && !read_at(&elf, 0, &h.h64, sizeof(h.h64)))
		return -EBADMSG;
	if (elf.is_64)
		HEADER(&elf, &h.h64);
	else
		HEADER(&elf, &h.h32);
	*ret_elf = elf;
	return 0;
}

struct segment {
	uint32_t type;
	uint64_t offset, address, size;
};

static bool read_segment(const struct pf_elf *elf, uint32_t i, struct segment *ret_segment)
{
	uint64_t at = elf->segments_at + (uint64_t)i * elf->segment_bytes;
	Elf64_Phdr p64;
	Elf32_Phdr p32;

	if (elf->is_64) {
		if (elf->segment_bytes < sizeof(p64) || !read_at(elf, at, &p64, sizeof(p64)))
			return false;
		*ret_segment =
			(struct segment){ p64.p_type, p64.p_offset, p64.p_vaddr, p64.p_filesz };
		return true;
	}
	if (elf->segment_bytes < sizeof(p32) || !read_at(elf, at, &p32, sizeof(p32)))
		return false;
	*ret_segment = (struct segment){ p32.p_type, p32.p_offset, p32.p_vaddr, p32.p_filesz };
	return true;
}

static bool read_section(const struct pf_elf *elf, uint32_t i, struct pf_elf_section *ret_section)
{
	uint64_t at = elf->sections_at + (uint64_t)i * elf->section_bytes;
	Elf64_Shdr s64;
	Elf32_Shdr s32;

	if (i >= elf->nr_sections)
		return false;
	if (elf->is_64) {
		if (elf->section_bytes < sizeof(s64) || !read_at(elf, at, &s64, sizeof(s64)))
			return false;
		*ret_section =
			(struct pf_elf_section){ s64.sh_name,	s64.sh_type, s64.sh_link,
						 s64.sh_offset, s64.sh_size, s64.sh_entsize };
		return true;
	}
	if (elf->section_bytes < sizeof(s32) || !read_at(elf, at, &s32, sizeof(s32)))
		return false;
	*ret_section = (struct pf_elf_section){ s32.sh_name,   s32.sh_type, s32.sh_link,
						s32.sh_offset, s32.sh_size, s32.sh_entsize };
	return true;
}

bool pf_elf_address(const struct pf_elf *elf, uint64_t offset, uint64_t *ret_address)
{
	struct segment s;

	for (uint32_t i = 0; i < elf->nr_segments && read_segment(elf, i, &s); i++) {
		if (s.type != PT_LOAD || offset < s.offset || offset - s.offset >= s.size)
			continue;
		*ret_address = offset - s.offset + s.address;
		return true;
	}
	return false;
}

/* Up to @size bytes of text at @at, always ended. */
static void read_text(const struct pf_elf *elf, uint64_t at, char *ret_text, size_t size)
{
	ssize_t n = at < elf->size ? pread(elf->fd, ret_text, size - 1, (off_t)at) : 0;

	ret_text[PF_MAX(n, 0)] = '\0';
}

static bool is_named(const struct pf_elf *elf, const struct pf_elf_section *section,
		     const char *name)
{
	struct pf_elf_section names;
	char text[64];

	if (!read_section(elf, elf->names_section, &names) || section->name >= names.size ||
	    names.offset > elf->size)
		return false;
	read_text(elf, names.offset + section->name, text, sizeof(text));
	return !strcmp(text, name);
}

bool pf_elf_find_section(const struct pf_elf *elf, uint32_t type, const char *name,
			 struct pf_elf_section *ret_section)
{
	struct pf_elf_section s;

	for (uint32_t i = 0; i < elf->nr_sections && read_section(elf, i, &s); i++) {
		if ((type && s.type != type) || (name && !is_named(elf, &s, name)))
			continue;
		*ret_section = s;
		return true;
	}
	return false;
}

static size_t aligned(size_t value)
{
	return (value + 3) & ~(size_t)3;
}

/* Notes are name size, content size and kind, then both, each filled up to 4 bytes. */
static size_t id_of_notes(const struct pf_elf *elf, uint64_t offset, uint64_t size,
			  uint8_t ret_id[PF_ELF_BUILD_ID_MAX])
{
	unsigned char notes[NOTES_BYTES_MAX];
	size_t len = PF_MIN(size, (uint64_t)sizeof(notes)), at = 0;
	Elf32_Nhdr note; /* of both classes */

	if (!read_at(elf, offset, notes, len))
		return 0;
	while (len - at >= sizeof(note)) {
		memcpy(&note, notes + at, sizeof(note));
		at += sizeof(note);
		if (note.n_namesz > len || note.n_descsz > len ||
		    aligned(note.n_namesz) + note.n_descsz > len - at)
			return 0;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    !memcmp(notes + at, "GNU", 4)) {
			size_t nr = PF_MIN(note.n_descsz, (size_t)PF_ELF_BUILD_ID_MAX);

			memcpy(ret_id, notes + at + aligned(note.n_namesz), nr);
			return nr;
		}
		at += PF_MIN(aligned(note.n_namesz) + aligned(note.n_descsz), len - at);
	}
	return 0;
}

/* Sections first: in a file of symbols alone the segments' offsets mean nothing. */
size_t pf_elf_build_id(const struct pf_elf *elf, uint8_t ret_id[PF_ELF_BUILD_ID_MAX])
{
	struct pf_elf_section section;
	struct segment segment;
	size_t nr = 0;

	for (uint32_t i = 0; !nr && i < elf->nr_sections && read_section(elf, i, &section); i++)
		if (section.type == SHT_NOTE)
			nr = id_of_notes(elf, section.offset, section.size, ret_id);
	for (uint32_t i = 0; !nr && i < elf->nr_segments && read_segment(elf, i, &segment); i++)
		if (segment.type == PT_NOTE)
			nr = id_of_notes(elf, segment.offset, segment.size, ret_id);
	return nr;
}

/* A name, ended, filled up to 4 bytes; then the checksum. */
bool pf_elf_debug_link(const struct pf_elf *elf, char *ret_name, size_t size, uint32_t *ret_crc)
{
	struct pf_elf_section s;
	char name[256];
	uint32_t crc;

	if (!pf_elf_find_section(elf, SHT_PROGBITS, ".gnu_debuglink", &s) || s.offset > elf->size)
		return false;
	read_text(elf, s.offset, name, sizeof(name));
	if (!name[0] || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ||
	    strlen(name) >= size ||
	    !read_at(elf, s.offset + aligned(strlen(name) + 1), &crc, sizeof(crc)))
		return false;
	memcpy(ret_name, name, strlen(name) + 1);
	*ret_crc = crc;
	return true;
}

static struct pf_elf_symbol symbol_of(const struct pf_elf *elf, const unsigned char *bytes)
{
	Elf64_Sym s64;
	Elf32_Sym s32;

	if (elf->is_64) {
		memcpy(&s64, bytes, sizeof(s64));
		return (struct pf_elf_symbol){ s64.st_value, s64.st_size, s64.st_name,
					       ELF64_ST_TYPE(s64.st_info),
					       s64.st_shndx != SHN_UNDEF };
	}
	memcpy(&s32, bytes, sizeof(s32));
	return (struct pf_elf_symbol){ s32.st_value, s32.st_size, s32.st_name,
				       ELF32_ST_TYPE(s32.st_info), s32.st_shndx != SHN_UNDEF };
}

void pf_elf_symbols(const struct pf_elf *elf, const struct pf_elf_section *table,
		    bool (*take)(void *arg, const struct pf_elf_symbol *symbol), void *arg)
{
	PF_AUTO(pf_freep) unsigned char *chunk = malloc(CHUNK_BYTES);
	size_t entry = elf->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	uint64_t nr = PF_MIN(table->size / entry, (uint64_t)PF_ELF_SYMBOLS_MAX);
	size_t nr_chunk = CHUNK_BYTES / entry;

	if (!chunk || table->entry_size != entry || table->offset > elf->size)
		return;
	for (uint64_t i = 0; i < nr; i += nr_chunk) {
		size_t n = (size_t)PF_MIN(nr - i, (uint64_t)nr_chunk);

		if (!read_at(elf, table->offset + i * entry, chunk, n * entry))
			return;
		for (size_t k = 0; k < n; k++) {
			struct pf_elf_symbol symbol = symbol_of(elf, chunk + k * entry);

			if (!take(arg, &symbol))
				return;
		}
	}
}

void pf_elf_text(const struct pf_elf *elf, const struct pf_elf_section *table, uint32_t name,
		 char *ret_text, size_t size)
{
	struct pf_elf_section strings;

	ret_text[0] = '\0';
	if (!read_section(elf, table->link, &strings) || strings.type != SHT_STRTAB ||
	    name >= strings.size || strings.offset > elf->size)
		return;
	read_text(elf, strings.offset + name, ret_text,
		  (size_t)PF_MIN((uint64_t)size, strings.size - name + 1));
}
