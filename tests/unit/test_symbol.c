// SPDX-License-Identifier: Apache-2.0
/*
 * test_symbol.c - addresses of this very process: its own functions, a library's, and made-up compiled code.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/symbol_elf.h"
#include "unit/check.h"

__attribute__((noinline)) static int symbol_test_static_function(int x)
{
	return x * 3 + 1;
}

int symbol_test_global_function(int x);

__attribute__((noinline, used)) int symbol_test_global_function(int x)
{
	return symbol_test_static_function(x) + 1;
}

static void one(uint64_t address, bool is_return, struct pf_symbol *symbol)
{
	PF_CHECK_INT("symbolized",
		     pf_symbolize("/proc", (uint32_t)getpid(), &address, &is_return, 1, symbol), 0);
}

static void test_own_functions(void)
{
	struct pf_symbol s;
	uint64_t at = (uint64_t)(uintptr_t)&symbol_test_static_function;

	one(at, false, &s);
	PF_CHECK_STR("name", s.name, "symbol_test_static_function");
	PF_CHECK_INT("offset", s.offset, 0);
	PF_CHECK("module", strstr(s.module, "/test-unit"));
	one(at + 2, false, &s);
	PF_CHECK_STR("inside", s.name, "symbol_test_static_function");
	PF_CHECK_INT("offset inside", s.offset, 2);
	one((uint64_t)(uintptr_t)&symbol_test_global_function + 1, true, &s);
	PF_CHECK_STR("return address after the first byte", s.name, "symbol_test_global_function");
	PF_CHECK_INT("its offset is the address's own", s.offset, 1);
	one((uint64_t)(uintptr_t)&symbol_test_global_function, true, &s);
	PF_CHECK("a return address at a function's start is the end of the one before",
		 strcmp(s.name, "symbol_test_global_function") != 0);
}

static void test_library(void)
{
	struct pf_symbol s;

	one((uint64_t)(uintptr_t)&getpid, false, &s);
	PF_CHECK("name", strstr(s.name, "getpid"));
	PF_CHECK("module", strstr(s.module, "libc"));
	PF_CHECK_INT("build id of 20 bytes", strlen(s.build_id), 40);
}

/* Several modules at once, and what is nowhere. */
static void test_many(void)
{
	uint64_t at[] = { (uint64_t)(uintptr_t)&getpid, 0x10,
			  (uint64_t)(uintptr_t)&symbol_test_static_function,
			  (uint64_t)getauxval(AT_SYSINFO_EHDR), (uint64_t)(uintptr_t)&free };
	struct pf_symbol s[PF_ARRAY_SIZE(at)];

	PF_CHECK_INT("symbolized",
		     pf_symbolize("/proc", (uint32_t)getpid(), at, NULL, PF_ARRAY_SIZE(at), s), 0);
	PF_CHECK("libc", strstr(s[0].name, "getpid"));
	PF_CHECK_STR("nowhere: no module", s[1].module, "");
	PF_CHECK_INT("nowhere: the address itself", s[1].offset, 0x10);
	PF_CHECK_STR("own", s[2].name, "symbol_test_static_function");
	PF_CHECK_STR("vdso", s[3].module, "[vdso]");
	PF_CHECK("last", s[4].name[0]);
}

static void test_perf_map(void)
{
	struct pf_symbol s;
	char path[64];
	void *code = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FILE *map;

	PF_CHECK("mapped", code != MAP_FAILED);
	one((uint64_t)(uintptr_t)code + 0x110, false, &s);
	PF_CHECK_STR("no map: only a place", s.name, "");
	PF_CHECK_STR("compiled code", s.module, "[jit]");

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	map = fopen(path, "w");
	PF_CHECK("map", map);
	if (!map)
		return;
	fprintf(map, "%lx 80 lua::before\nnonsense\n%lx 40 java.util.HashMap::resize (a b)\n",
		(unsigned long)(uintptr_t)code, (unsigned long)(uintptr_t)code + 0x100);
	fclose(map);
	one((uint64_t)(uintptr_t)code + 0x110, false, &s);
	PF_CHECK_STR("name", s.name, "java.util.HashMap::resize (a b)");
	PF_CHECK_INT("offset", s.offset, 0x10);
	one((uint64_t)(uintptr_t)code + 0x140, true, &s);
	PF_CHECK_STR("return address at its end", s.name, "java.util.HashMap::resize (a b)");
	one((uint64_t)(uintptr_t)code + 0x90, false, &s);
	PF_CHECK_STR("between two", s.name, "");

	/* What follows in an overlong line, or in one with a NUL, is not another entry. */
	map = fopen(path, "w");
	if (!map)
		return;
	fprintf(map, "%lx 80 %0*d%lx 40 no::name\n", (unsigned long)(uintptr_t)code, 1023 - 18, 0,
		(unsigned long)(uintptr_t)code + 0x100);
	fputc('\0', map);
	fprintf(map, "%lx 40 no::name\n\n%lx 40 a::name\n", (unsigned long)(uintptr_t)code + 0x100,
		(unsigned long)(uintptr_t)code + 0x180);
	fclose(map);
	one((uint64_t)(uintptr_t)code + 0x110, false, &s);
	PF_CHECK_STR("inside a line", s.name, "");
	one((uint64_t)(uintptr_t)code + 0x190, false, &s);
	PF_CHECK_STR("the line after", s.name, "a::name");
	(void)unlink(path);
	(void)munmap(code, 8192);
}

static void test_gone(void)
{
	uint64_t at = 0x1000;
	struct pf_symbol s, untouched;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	(void)waitpid(pid, NULL, 0);
	memset(&s, 0x5a, sizeof(s));
	memset(&untouched, 0x5a, sizeof(untouched));
	PF_CHECK_INT("gone", pf_symbolize("/proc", (uint32_t)pid, &at, NULL, 1, &s), -ENOENT);
	PF_CHECK("untouched", !memcmp(&s, &untouched, sizeof(s)));
}

static void test_another_process(void)
{
	uint64_t at = (uint64_t)(uintptr_t)&symbol_test_static_function;
	int to_child[2], r = pipe(to_child);
	struct pf_symbol s;
	pid_t pid;

	PF_CHECK_INT("pipe", r, 0);
	pid = fork();
	if (pid == 0) {
		char byte;

		close(to_child[1]);
		_exit(read(to_child[0], &byte, 1) > 0);
	}
	PF_CHECK_INT("another process", pf_symbolize("/proc", (uint32_t)pid, &at, NULL, 1, &s), 0);
	PF_CHECK_STR("name", s.name, "symbol_test_static_function");
	close(to_child[0]);
	close(to_child[1]);
	(void)waitpid(pid, NULL, 0);
}

/* ---- a file that wants to be read for long ---- */

enum { NR_MARKS = 200000 };

/* How many reads this process has done; 0: the kernel does not count them. */
static unsigned long nr_reads(void)
{
	FILE *io = fopen("/proc/self/io", "re");
	char line[64];
	unsigned long nr = 0;

	while (io && fgets(line, sizeof(line), io))
		if (sscanf(line, "syscr: %lu", &nr) == 1)
			break;
	if (io)
		(void)fclose(io);
	return nr;
}

static void put_at(int fd, uint64_t at, const void *data, size_t len)
{
	PF_CHECK("written", pwrite(fd, data, len, (off_t)at) == (ssize_t)len);
}

/* Each symbol without a size is closer to the last address than the one before; "late" holds it. */
static int make_file_of_marks(void)
{
	static const char strings[] = "\0m\0late";
	static Elf64_Sym symbols[NR_MARKS + 1];
	int fd = memfd_create("marks", MFD_CLOEXEC);
	uint64_t strings_at = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
	uint64_t symbols_at = strings_at + sizeof(strings),
		 sections_at = symbols_at + sizeof(symbols);
	Elf64_Ehdr head = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
					 ELFDATA2LSB
#else
					 ELFDATA2MSB
#endif
			    },
			    .e_phoff = sizeof(head),
			    .e_phentsize = sizeof(Elf64_Phdr),
			    .e_phnum = 1,
			    .e_shoff = sections_at,
			    .e_shentsize = sizeof(Elf64_Shdr),
			    .e_shnum = 3 };
	Elf64_Phdr segment = { .p_type = PT_LOAD, .p_filesz = sections_at };
	Elf64_Shdr sections[3] = {
		{ .sh_type = SHT_NULL },
		{ .sh_type = SHT_SYMTAB,
		  .sh_link = 2,
		  .sh_offset = symbols_at,
		  .sh_size = sizeof(symbols),
		  .sh_entsize = sizeof(symbols[0]) },
		{ .sh_type = SHT_STRTAB, .sh_offset = strings_at, .sh_size = sizeof(strings) }
	};

	for (size_t i = 0; i < NR_MARKS; i++)
		symbols[i] = (Elf64_Sym){ .st_name = 1,
					  .st_info = ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE),
					  .st_shndx = 1,
					  .st_value = i + 1 };
	symbols[NR_MARKS] = (Elf64_Sym){ .st_name = 3,
					 .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
					 .st_shndx = 1,
					 .st_value = 1,
					 .st_size = NR_MARKS * 2 };
	PF_CHECK("file", fd >= 0);
	put_at(fd, 0, &head, sizeof(head));
	put_at(fd, sizeof(head), &segment, sizeof(segment));
	put_at(fd, strings_at, strings, sizeof(strings));
	put_at(fd, symbols_at, symbols, sizeof(symbols));
	put_at(fd, sections_at, sections, sizeof(sections));
	return fd;
}

static int no_other(const void *arg, const char *path)
{
	(void)arg;
	(void)path;
	return -ENOENT;
}

/* The names of symbols without a size are read to know what they are, but not of any number of them. */
static void test_many_marks(void)
{
	PF_AUTO(pf_closep) int fd = make_file_of_marks();
	struct pf_symbol symbol = { .name = "" };
	struct pf_symbol_query query = { .file_offset = NR_MARKS + 10, .symbol = &symbol };
	uint64_t crc_left = 0;
	unsigned long before = nr_reads(), after;

	pf_symbol_elf(fd, "/marks", no_other, NULL, &query, 1, &crc_left);
	after = nr_reads();
	PF_CHECK_STR("found all the same", symbol.name, "late");
	if (before)
		PF_CHECK("and not read for ever", after - before < NR_MARKS);
}

PF_TEST_SUITE(symbol, { "own functions", test_own_functions }, { "library", test_library },
	      { "many", test_many }, { "perf map", test_perf_map }, { "gone", test_gone },
	      { "another process", test_another_process }, { "many marks", test_many_marks });
