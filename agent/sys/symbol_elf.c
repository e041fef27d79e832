// SPDX-License-Identifier: Apache-2.0
/*
 * symbol_elf.c - one pass over a symbol table for all addresses that are asked for.
 *
 * Nothing is sorted or kept: lookups come in small batches and seldom, symbol tables may be large.
 */
#include "sys/symbol_elf.h"

#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { SYMBOLS_MAX = 4 << 20 }; /* of one table: beyond it the file is not looked through */

static void elf_endp(Elf **elf)
{
	if (*elf)
		elf_end(*elf);
}

/* The address in the file's own numbering, from the offset; false if nothing is loaded from there. */
static bool address_of(Elf *elf, uint64_t offset, uint64_t *ret_address)
{
	size_t nr;
	GElf_Phdr phdr;

	if (elf_getphdrnum(elf, &nr) < 0)
		return false;
	for (size_t i = 0; i < nr; i++) {
		if (!gelf_getphdr(elf, (int)i, &phdr) || phdr.p_type != PT_LOAD)
			continue;
		if (offset >= phdr.p_offset && offset - phdr.p_offset < phdr.p_filesz) {
			*ret_address = offset - phdr.p_offset + phdr.p_vaddr;
			return true;
		}
	}
	return false;
}

/* The build id out of one section or segment of notes. */
static bool id_of_notes(Elf_Data *data, char ret_id[PF_SYMBOL_BUILD_ID_MAX])
{
	size_t at = 0, name, desc;
	GElf_Nhdr note;

	while (data && (at = gelf_getnote(data, at, &note, &name, &desc)) > 0) {
		const unsigned char *id = (const unsigned char *)data->d_buf + desc;

		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 ||
		    memcmp((const char *)data->d_buf + name, "GNU", 4) != 0)
			continue;
		for (size_t i = 0; i < note.n_descsz && 2 * i + 2 < PF_SYMBOL_BUILD_ID_MAX; i++)
			snprintf(&ret_id[2 * i], 3, "%02x", id[i]);
		return true;
	}
	return false;
}

static void build_id_of(Elf *elf, char ret_id[PF_SYMBOL_BUILD_ID_MAX])
{
	GElf_Phdr phdr;
	size_t nr;

	ret_id[0] = '\0';
	if (elf_getphdrnum(elf, &nr) < 0)
		return;
	for (size_t i = 0; i < nr; i++) {
		if (!gelf_getphdr(elf, (int)i, &phdr) || phdr.p_type != PT_NOTE)
			continue;
		if (id_of_notes(elf_getdata_rawchunk(elf, (int64_t)phdr.p_offset, phdr.p_filesz,
						     phdr.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR),
				ret_id))
			return;
	}
}

/* Does the symbol hold the address, or is it at least the closest one below? */
static void offer(struct pf_symbol_query *query, uint64_t address, const GElf_Sym *sym,
		  const char *name)
{
	uint64_t at = address - query->back;

	if (sym->st_value > at || (sym->st_size && at >= sym->st_value + sym->st_size))
		return;
	/* Symbols without a size come from assembly; a later one below the address is closer. */
	if (query->symbol->name[0] && sym->st_value <= query->best)
		return;
	query->best = sym->st_value;
	query->symbol->offset = address - sym->st_value;
	snprintf(query->symbol->name, sizeof(query->symbol->name), "%s", name);
}

static void search_table(Elf *elf, Elf_Scn *section, const GElf_Shdr *shdr,
			 const uint64_t *addresses, struct pf_symbol_query *queries, size_t nr)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t nr_symbols = shdr->sh_entsize ? shdr->sh_size / shdr->sh_entsize : 0;
	GElf_Sym sym;

	if (!data || nr_symbols > SYMBOLS_MAX)
		return;
	for (size_t i = 0; i < nr_symbols; i++) {
		const char *name;
		unsigned type;

		if (!gelf_getsym(data, (int)i, &sym) || sym.st_shndx == SHN_UNDEF)
			continue;
		type = GELF_ST_TYPE(sym.st_info);
		if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
			continue;
		name = elf_strptr(elf, shdr->sh_link, sym.st_name);
		if (!name || !*name || *name == '$') /* $: arm64's mapping symbols */
			continue;
		for (size_t q = 0; q < nr; q++)
			offer(&queries[q], addresses[q], &sym, name);
	}
}

static void search(Elf *elf, const uint64_t *addresses, struct pf_symbol_query *queries, size_t nr)
{
	static const unsigned kinds[] = { SHT_SYMTAB, SHT_DYNSYM };

	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		for (Elf_Scn *s = elf_nextscn(elf, NULL); s; s = elf_nextscn(elf, s)) {
			GElf_Shdr shdr;

			if (gelf_getshdr(s, &shdr) && shdr.sh_type == kinds[k]) {
				search_table(elf, s, &shdr, addresses, queries, nr);
				return; /* the full table has all of the dynamic one */
			}
		}
	}
}

void pf_symbol_elf(int fd, struct pf_symbol_query *queries, size_t nr)
{
	PF_AUTO(elf_endp) Elf *elf = NULL;
	uint64_t addresses[PF_SYMBOLS_MAX];
	char build_id[PF_SYMBOL_BUILD_ID_MAX];

	if (elf_version(EV_CURRENT) == EV_NONE)
		return;
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF)
		return;
	build_id_of(elf, build_id);
	for (size_t i = 0; i < nr; i++) {
		if (!address_of(elf, queries[i].file_offset, &addresses[i]))
			addresses[i] = 0;
		queries[i].symbol->offset = addresses[i];
		snprintf(queries[i].symbol->build_id, sizeof(queries[i].symbol->build_id), "%s",
			 build_id);
	}
	search(elf, addresses, queries, nr);
}
