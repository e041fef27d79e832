// SPDX-License-Identifier: Apache-2.0
/*
 * test_symbol.c - addresses of this very process: its own functions, a library's, and made-up compiled code.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/symbol.h"
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

PF_TEST_SUITE(symbol, { "own functions", test_own_functions }, { "library", test_library },
	      { "many", test_many }, { "perf map", test_perf_map }, { "gone", test_gone },
	      { "another process", test_another_process });
