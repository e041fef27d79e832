// SPDX-License-Identifier: Apache-2.0
/*
 * symbol_elf_fuzz.c - an ELF file, and behind it (from the last "\177ELF" on, if there are two) the file its symbols were
 * moved to: a container may have written both.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys/symbol_elf.h"

enum { NR_QUERIES = 3, CRC_LEFT = 4096 };

struct input {
	const uint8_t *data;
	size_t size;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const struct input *input)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, input->data, input->size) != (ssize_t)input->size)
		abort();
	return fd;
}

static int open_other(const void *arg, const char *path)
{
	assert(path[0] == '/');
	return file_of(arg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t offsets[NR_QUERIES] = { 0x10, 0x1000, 0x1010 };
	struct pf_symbol symbols[NR_QUERIES];
	struct pf_symbol_query queries[NR_QUERIES];
	size_t split = size;
	uint64_t crc_left = CRC_LEFT;

	for (size_t i = size; i-- > 4;) {
		if (size - i >= 4 && !memcmp(data + i, "\177ELF", 4)) {
			split = i;
			break;
		}
	}

	struct input first = { data, split }, other = { data + split, size - split };
	PF_AUTO(pf_closep) int fd = file_of(&first);

	memset(symbols, 0, sizeof(symbols));
	for (size_t i = 0; i < NR_QUERIES; i++)
		queries[i] = (struct pf_symbol_query){ offsets[i], i & 1, &symbols[i] };
	pf_symbol_elf(fd, "/usr/bin/shop", open_other, &other, queries, NR_QUERIES, &crc_left);
	assert(crc_left <= CRC_LEFT);
	for (size_t i = 0; i < NR_QUERIES; i++) {
		assert(memchr(symbols[i].name, 0, sizeof(symbols[i].name)));
		assert(memchr(symbols[i].build_id, 0, sizeof(symbols[i].build_id)));
		assert(strlen(symbols[i].build_id) % 2 == 0);
	}
	return 0;
}
