// SPDX-License-Identifier: Apache-2.0
#include "core/runtime.h"
#include "core/units.h"
#include "unit/check.h"

static void test_detect(void)
{
	static const struct {
		const char *executable;
		bool is_go;
		enum pf_runtime_kind want;
	} cases[] = {
		{ "/usr/lib/jvm/java-17/bin/java", false, PF_RUNTIME_JVM },
		{ "node", false, PF_RUNTIME_NODE },
		{ "/usr/bin/python3.11", false, PF_RUNTIME_PYTHON },
		{ "pythonista", false, PF_RUNTIME_NONE },
		{ "/usr/bin/redis-server", false, PF_RUNTIME_REDIS },
		{ "/app/server", true, PF_RUNTIME_GO },
		{ "/app/server", false, PF_RUNTIME_NONE },
		{ "", false, PF_RUNTIME_NONE },
		{ "/java/", false, PF_RUNTIME_NONE },
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(cases); i++)
		PF_CHECK_STR(
			cases[i].executable,
			pf_runtime_name(pf_runtime_detect(cases[i].executable, cases[i].is_go)),
			pf_runtime_name(cases[i].want));
}

static void test_heap(void)
{
	static const struct {
		enum pf_runtime_kind kind;
		const char *command_line;
		uint64_t want;
	} cases[] = {
		{ PF_RUNTIME_JVM, "java -Xms1g -Xmx2g -jar app.jar", 2 * PF_GIB },
		{ PF_RUNTIME_JVM, "java -Xmx512m -Xmx768M -jar a", 768 * PF_MIB },
		{ PF_RUNTIME_JVM, "java -XX:MaxHeapSize=1073741824 -jar a", PF_GIB },
		{ PF_RUNTIME_JVM, "java -jar -DnotXmx2g", PF_UNKNOWN },
		{ PF_RUNTIME_JVM, "java -Xmxlots", PF_UNKNOWN },
		{ PF_RUNTIME_NODE, "node --max-old-space-size=4096 a.js", 4 * PF_GIB },
		{ PF_RUNTIME_NODE, "node --max-old-space-size=17592186044417 a.js", PF_UNKNOWN },
		{ PF_RUNTIME_NODE, "node a.js", PF_UNKNOWN },
		{ PF_RUNTIME_REDIS, "redis-server --maxmemory 100mb", 100 * PF_MIB },
		{ PF_RUNTIME_GO, "server -Xmx2g", PF_UNKNOWN },
		{ PF_RUNTIME_JVM, NULL, PF_UNKNOWN },
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(cases); i++)
		PF_CHECK_INT(cases[i].command_line ? cases[i].command_line : "(none)",
			     pf_runtime_heap_bytes(cases[i].kind, cases[i].command_line),
			     cases[i].want);
}

static const struct advice_case {
	const char *name;
	struct pf_runtime_input in;
	int want;
	const char *setting, *advised; /* of the first */
} advice_cases[] = {
	{ "JVM with a heap beyond the limit",
	  { PF_RUNTIME_JVM, "java -Xmx2g -jar a", PF_GIB, PF_NO_LIMIT, 0, 0.8 },
	  3,
	  "-Xmx",
	  "-Xmx819m" },
	{ "JVM that fits",
	  { PF_RUNTIME_JVM, "java -Xmx700m -jar a", PF_GIB, PF_NO_LIMIT, 0, 0.8 },
	  0,
	  NULL,
	  NULL },
	{ "JVM by share",
	  { PF_RUNTIME_JVM, "java -XX:MaxRAMPercentage=75 -jar a", PF_GIB, PF_NO_LIMIT, 0, 0.8 },
	  0,
	  NULL,
	  NULL },
	{ "JVM without a limit",
	  { PF_RUNTIME_JVM, "java -jar a", PF_NO_LIMIT, PF_NO_LIMIT, 0, 0.8 },
	  0,
	  NULL,
	  NULL },
	{ "Node by default",
	  { PF_RUNTIME_NODE, "node a.js", 512 * PF_MIB, 500, 11, 0.8 },
	  1,
	  "--max-old-space-size",
	  "--max-old-space-size=409" },
	{ "Go", { PF_RUNTIME_GO, NULL, PF_GIB, 1500, 12, 0.8 }, 2, "GOMEMLIMIT", "921MiB" },
	{ "Python with many threads",
	  { PF_RUNTIME_PYTHON, "python app.py", PF_GIB, 1000, 64, 0.8 },
	  1,
	  "OMP_NUM_THREADS",
	  "1" },
	{ "Python", { PF_RUNTIME_PYTHON, "python app.py", PF_GIB, 1000, 2, 0.8 }, 0, NULL, NULL },
	{ "Redis",
	  { PF_RUNTIME_REDIS, "redis-server *:6379", PF_GIB, PF_NO_LIMIT, 5, 0.8 },
	  1,
	  "maxmemory",
	  "819mb" },
	{ "nobody", { PF_RUNTIME_NONE, "sh", PF_GIB, 1000, 5, 0.8 }, 0, NULL, NULL },
};

static void test_advice(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(advice_cases); i++) {
		const struct advice_case *c = &advice_cases[i];
		struct pf_runtime_advice advice[PF_RUNTIME_ADVICE_MAX];
		PF_AUTO(pf_arena_done) struct pf_arena arena;

		pf_arena_init(&arena, 1 << 16);
		PF_CHECK_INT(c->name, pf_runtime_advise(&c->in, &arena, advice), c->want);
		if (!c->want)
			continue;
		PF_CHECK_STR(c->name, advice[0].setting, c->setting);
		PF_CHECK_STR(c->name, advice[0].advised, c->advised);
	}
}

PF_TEST_SUITE(runtime, { "detect", test_detect }, { "heap", test_heap }, { "advice", test_advice });
