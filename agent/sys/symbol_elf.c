// SPDX-License-Identifier: Apache-2.0
/*
 * symbol_elf.c - one pass over a symbol table for all addresses that are asked for.
 *
 * Nothing is sorted or kept: lookups come in small batches and seldom, symbol tables may be large.
 */
#include "sys/symbol_elf.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/demangle.h"
#include "sys/elf_file.h"

enum {
	CHUNK_BYTES = 32 << 10,
	MARKS_MAX =
		16384, /* names read in one pass to tell marks: a stranger's file may make every symbol look like one */
};

/* The closest symbol so far. */
struct best {
	uint64_t address; /* that is looked up, in the file's numbering; 0: not in it */
	uint64_t value;
	uint32_t name;
	bool found, sized;
};

struct search {
	const struct pf_elf *elf;
	const struct pf_elf_section *table;
	struct best best[PF_SYMBOLS_MAX];
	size_t nr;
	unsigned nr_marks; /* names read */
};

/* Marks of arm64 and riscv ("$x"), which stand among the symbols but are no functions; what there is no time to look at. */
static bool is_mark(struct search *s, uint32_t name)
{
	char text[2];

	if (s->nr_marks == MARKS_MAX)
		return true;
	s->nr_marks++;
	pf_elf_text(s->elf, s->table, name, text, sizeof(text));
	return !text[0] || text[0] == '$';
}

/*
 * Does the symbol hold the address, or is it at least the closest one below? Symbols without a size come from assembly;
 * one with a size that holds the address says more.
 */
static bool offer(void *arg, const struct pf_elf_symbol *symbol)
{
	struct search *s = arg;

	if (!symbol->defined || !symbol->name || !symbol->value ||
	    (symbol->type != STT_FUNC && symbol->type != STT_GNU_IFUNC &&
	     symbol->type != STT_NOTYPE))
		return true;
	for (size_t i = 0; i < s->nr; i++) {
		struct best *b = &s->best[i];

		if (symbol->value > b->address ||
		    (symbol->size && b->address - symbol->value >= symbol->size))
			continue;
		if (b->found && (b->sized > (symbol->size > 0) ||
				 (b->sized == (symbol->size > 0) && symbol->value <= b->value)))
			continue;
		if (symbol->type == STT_NOTYPE && is_mark(s, symbol->name))
			continue;
		*b = (struct best){ b->address, symbol->value, symbol->name, true,
				    symbol->size > 0 };
	}
	return true;
}

static void set_name(struct pf_symbol *symbol, const char *raw)
{
	if (!pf_demangle(raw, symbol->name, sizeof(symbol->name)))
		snprintf(symbol->name, sizeof(symbol->name), "%.*s", PF_SYMBOL_NAME_MAX - 1, raw);
}

/* Names what @table knows of the queries; their addresses are in the numbering of the first file. */
static void search_table(const struct pf_elf *elf, const struct pf_elf_section *table,
			 const uint64_t *addresses, struct pf_symbol_query *queries, size_t nr)
{
	struct search s = { .elf = elf, .table = table, .nr = nr };
	char raw[PF_ELF_NAME_MAX];

	for (size_t i = 0; i < nr; i++)
		s.best[i].address = addresses[i] ? addresses[i] - queries[i].back : 0;
	pf_elf_symbols(elf, table, offer, &s);
	for (size_t i = 0; i < nr; i++) {
		if (!s.best[i].found)
			continue;
		pf_elf_text(elf, table, s.best[i].name, raw, sizeof(raw));
		if (!raw[0])
			continue;
		set_name(queries[i].symbol, raw);
		queries[i].symbol->offset = addresses[i] - s.best[i].value;
	}
}

/* Of what is more than @left nothing is known. */
static bool has_crc(int fd, uint64_t size, uint32_t want, uint64_t *left)
{
	unsigned char chunk[CHUNK_BYTES];
	uint64_t at = 0;
	uLong crc = crc32(0, NULL, 0);

	if (size > *left)
		return false;
	*left -= size;
	while (at < size) {
		ssize_t n = pread(fd, chunk, sizeof(chunk), (off_t)at);

		if (n <= 0)
			return false;
		crc = crc32(crc, chunk, (uInt)n);
		at += (uint64_t)n;
	}
	return crc == want;
}

/* What tells whether another file holds the symbols of this one. */
struct identity {
	uint8_t id[PF_ELF_BUILD_ID_MAX];
	size_t id_len;
	uint32_t crc;
};

/* Return: whether it was the right file and has a symbol table. */
static bool search_other(int fd, const struct identity *want, const uint64_t *addresses,
			 struct pf_symbol_query *queries, size_t nr, uint64_t *crc_left)
{
	struct pf_elf elf;
	struct pf_elf_section table;
	uint8_t id[PF_ELF_BUILD_ID_MAX];

	if (pf_elf_open(fd, &elf) < 0 || !pf_elf_find_section(&elf, SHT_SYMTAB, NULL, &table))
		return false;
	if (want->id_len) {
		if (pf_elf_build_id(&elf, id) != want->id_len || memcmp(id, want->id, want->id_len))
			return false;
	} else if (!has_crc(fd, elf.size, want->crc, crc_left)) {
		return false;
	}
	search_table(&elf, &table, addresses, queries, nr);
	return true;
}

/* The folder of @path, without a "/" at its end. */
static int folder_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (int)(slash - path) : 0;
}

static bool search_elsewhere(const struct pf_elf *elf, const char *build_id, const char *path,
			     pf_symbol_open open, const void *arg, const uint64_t *addresses,
			     struct pf_symbol_query *queries, size_t nr, uint64_t *crc_left)
{
	static const char *const places[] = { "%.*s/%s", "%.*s/.debug/%s",
					      "/usr/lib/debug%.*s/%s" };
	struct identity want = { .id_len = 0 };
	char name[256], other[1024];
	bool found = false;

	want.id_len = pf_elf_build_id(elf, want.id);
	if (want.id_len > 1) {
		snprintf(other, sizeof(other), "/usr/lib/debug/.build-id/%.2s/%s.debug", build_id,
			 build_id + 2);
		PF_AUTO(pf_closep) int fd = open(arg, other);

		found = fd >= 0 && search_other(fd, &want, addresses, queries, nr, crc_left);
	}
	if (found || !pf_elf_debug_link(elf, name, sizeof(name), &want.crc))
		return found;
	for (size_t i = 0; i < PF_ARRAY_SIZE(places) && !found; i++) {
		if (snprintf(other, sizeof(other), places[i], folder_len(path), path, name) >=
		    (int)sizeof(other))
			continue;
		PF_AUTO(pf_closep) int fd = open(arg, other);

		found = fd >= 0 && search_other(fd, &want, addresses, queries, nr, crc_left);
	}
	return found;
}

static void set_build_id(const struct pf_elf *elf, char ret_text[PF_SYMBOL_BUILD_ID_MAX])
{
	uint8_t id[PF_ELF_BUILD_ID_MAX];
	size_t nr = pf_elf_build_id(elf, id);

	_Static_assert(2 * PF_ELF_BUILD_ID_MAX < PF_SYMBOL_BUILD_ID_MAX, "a build id fits");
	ret_text[0] = '\0';
	for (size_t i = 0; i < nr; i++)
		snprintf(ret_text + 2 * i, 3, "%02x", id[i]);
}

void pf_symbol_elf(int fd, const char *path, pf_symbol_open open, const void *arg,
		   struct pf_symbol_query *queries, size_t nr, uint64_t *crc_left)
{
	struct pf_elf elf;
	struct pf_elf_section table;
	uint64_t addresses[PF_SYMBOLS_MAX];
	char build_id[PF_SYMBOL_BUILD_ID_MAX];

	if (pf_elf_open(fd, &elf) < 0)
		return;
	set_build_id(&elf, build_id);
	for (size_t i = 0; i < nr; i++) {
		if (!pf_elf_address(&elf, queries[i].file_offset, &addresses[i]))
			addresses[i] = 0;
		queries[i].symbol->offset = addresses[i];
		memcpy(queries[i].symbol->build_id, build_id, sizeof(build_id));
	}
	/* The full table has all of the dynamic one. */
	if (pf_elf_find_section(&elf, SHT_SYMTAB, NULL, &table))
		search_table(&elf, &table, addresses, queries, nr);
	else if (!search_elsewhere(&elf, build_id, path, open, arg, addresses, queries, nr,
				   crc_left) &&
		 pf_elf_find_section(&elf, SHT_DYNSYM, NULL, &table))
		search_table(&elf, &table, addresses, queries, nr);
}
