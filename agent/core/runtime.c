// SPDX-License-Identifier: Apache-2.0
#include "core/runtime.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/units.h"

static const char *const names[PF_NR_RUNTIMES] = {
	[PF_RUNTIME_NONE] = "", [PF_RUNTIME_JVM] = "jvm",	[PF_RUNTIME_NODE] = "node",
	[PF_RUNTIME_GO] = "go", [PF_RUNTIME_PYTHON] = "python", [PF_RUNTIME_REDIS] = "redis",
};

const char *pf_runtime_name(enum pf_runtime_kind kind)
{
	return kind < PF_NR_RUNTIMES ? names[kind] : "";
}

enum pf_runtime_kind pf_runtime_parse(const char *name)
{
	for (int i = 1; i < PF_NR_RUNTIMES; i++)
		if (!strcmp(names[i], name))
			return (enum pf_runtime_kind)i;
	return PF_RUNTIME_NONE;
}

/* @name is @word, or @word and a version: python, python3, python3.11; not pythonista. */
static bool is_named(const char *name, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(name, word, len) != 0)
		return false;
	for (name += len; *name; name++)
		if (!isdigit((unsigned char)*name) && *name != '.' && *name != '-')
			return false;
	return true;
}

enum pf_runtime_kind pf_runtime_detect(const char *executable, bool is_go)
{
	const char *slash = strrchr(executable, '/'), *name = slash ? slash + 1 : executable;

	if (is_named(name, "java"))
		return PF_RUNTIME_JVM;
	if (is_named(name, "node") || is_named(name, "nodejs"))
		return PF_RUNTIME_NODE;
	if (is_named(name, "python") || is_named(name, "pypy"))
		return PF_RUNTIME_PYTHON;
	if (is_named(name, "redis-server") || is_named(name, "valkey-server"))
		return PF_RUNTIME_REDIS;
	return is_go ? PF_RUNTIME_GO : PF_RUNTIME_NONE;
}

/* ---- what the command line says ---- */

/* The text after the last argument that begins with @option, as far as the next blank; NULL if there is none. */
static const char *last_option(const char *command_line, const char *option)
{
	const char *found = NULL, *at = command_line;
	size_t len = strlen(option);

	while (at && (at = strstr(at, option)) != NULL) {
		if (at == command_line || at[-1] == ' ')
			found = at + len;
		at += len;
	}
	return found;
}

/* "512m", "2G", "1073741824": Java's and Redis' sizes, powers of two. Redis' "2gb" reads the same. */
static uint64_t read_size(const char *text)
{
	char *end;
	double value;

	if (!text || !isdigit((unsigned char)*text))
		return PF_UNKNOWN;
	value = strtod(text, &end);
	switch (tolower((unsigned char)*end)) {
	case 't':
		value *= 1024;
		__attribute__((fallthrough));
	case 'g':
		value *= 1024;
		__attribute__((fallthrough));
	case 'm':
		value *= 1024;
		__attribute__((fallthrough));
	case 'k':
		value *= 1024;
		break;
	case '\0':
	case ' ':
		break;
	default:
		return PF_UNKNOWN;
	}
	return value < 1e18 ? (uint64_t)value : PF_UNKNOWN;
}

static uint64_t jvm_heap(const char *command_line)
{
	const char *xmx = last_option(command_line, "-Xmx");

	if (!xmx)
		xmx = last_option(command_line, "-XX:MaxHeapSize=");
	return read_size(xmx);
}

static uint64_t node_heap(const char *command_line)
{
	const char *mib = last_option(command_line, "--max-old-space-size=");
	uint64_t value;

	if (!mib)
		mib = last_option(command_line, "--max_old_space_size=");
	if (!mib)
		mib = last_option(command_line, "--max-old-space-size ");
	if (!mib || !isdigit((unsigned char)*mib))
		return PF_UNKNOWN;
	value = strtoull(mib, NULL, 10);
	return value < PF_NO_LIMIT / PF_MIB ? value * PF_MIB : PF_UNKNOWN;
}

uint64_t pf_runtime_heap_bytes(enum pf_runtime_kind kind, const char *command_line)
{
	if (!command_line)
		return PF_UNKNOWN;
	switch (kind) {
	case PF_RUNTIME_JVM:
		return jvm_heap(command_line);
	case PF_RUNTIME_NODE:
		return node_heap(command_line);
	case PF_RUNTIME_REDIS:
		return read_size(last_option(command_line, "--maxmemory "));
	default:
		return PF_UNKNOWN;
	}
}

/* ---- advice ---- */

struct list {
	struct pf_arena *arena;
	struct pf_runtime_advice *advice;
	int nr;
	const char *runtime;
};

static void add(struct list *list, const char *setting, const char *present, const char *advised,
		const char *reason)
{
	list->advice[list->nr++] =
		(struct pf_runtime_advice){ list->runtime, setting, present, advised, reason };
}

static const char *mib_text(struct pf_arena *arena, const char *prefix, uint64_t bytes,
			    const char *suffix)
{
	if (bytes == PF_UNKNOWN)
		return "not on the command line";
	return pf_arena_printf(arena, "%s%" PRIu64 "%s", prefix, (uint64_t)(bytes / PF_MIB),
			       suffix);
}

/* JVMs and Node know their heap only; stacks, code and buffers need the rest of the limit. */
static void advise_jvm(struct list *list, const struct pf_runtime_input *in, uint64_t heap)
{
	uint64_t want = (uint64_t)((double)in->memory_limit_bytes * in->heap_share);
	bool by_share = in->command_line && last_option(in->command_line, "-XX:MaxRAMPercentage=");

	if (by_share && heap == PF_UNKNOWN)
		return; /* follows the limit by itself */
	if (heap != PF_UNKNOWN && heap <= want && heap >= want / 2)
		return;
	add(list, "-Xmx", mib_text(list->arena, "-Xmx", heap, "m"),
	    mib_text(list->arena, "-Xmx", want, "m"),
	    heap != PF_UNKNOWN && heap > in->memory_limit_bytes
		    ? "the heap alone may grow beyond the memory limit: the kernel kills before the JVM collects"
		    : "a heap of this share of the limit leaves room for metaspace, threads, code cache and buffers");
	if (heap == PF_UNKNOWN || heap > want)
		add(list, "-Xms", "", mib_text(list->arena, "-Xms", want, "m"),
		    "equal to -Xmx: the heap's memory is there from the start, and not first when load comes");
	if (!in->command_line || !last_option(in->command_line, "-XX:MaxMetaspaceSize="))
		add(list, "-XX:MaxMetaspaceSize", "unlimited",
		    mib_text(list->arena, "-XX:MaxMetaspaceSize=", in->memory_limit_bytes / 10,
			     "m"),
		    "class data is outside the heap and has no bound of its own");
}

static void advise_node(struct list *list, const struct pf_runtime_input *in, uint64_t heap)
{
	uint64_t want = (uint64_t)((double)in->memory_limit_bytes * in->heap_share);

	if (heap != PF_UNKNOWN && heap <= want && heap >= want / 2)
		return;
	add(list, "--max-old-space-size", mib_text(list->arena, "--max-old-space-size=", heap, ""),
	    mib_text(list->arena, "--max-old-space-size=", want, ""),
	    "V8 collects hard only near its own bound; this one lies below the container's");
}

static void advise_redis(struct list *list, const struct pf_runtime_input *in, uint64_t heap)
{
	uint64_t want = (uint64_t)((double)in->memory_limit_bytes * in->heap_share);

	if (heap != PF_UNKNOWN && heap <= want)
		return;
	add(list, "maxmemory", mib_text(list->arena, "", heap, "mb"),
	    mib_text(list->arena, "", want, "mb"),
	    "fork for snapshots and client buffers need the rest; without a bound Redis is killed or swaps");
}

static void advise_memory(struct list *list, const struct pf_runtime_input *in)
{
	uint64_t heap = pf_runtime_heap_bytes(in->kind, in->command_line);

	if (!pf_is_set(in->memory_limit_bytes))
		return;
	switch (in->kind) {
	case PF_RUNTIME_JVM:
		advise_jvm(list, in, heap);
		break;
	case PF_RUNTIME_NODE:
		advise_node(list, in, heap);
		break;
	case PF_RUNTIME_REDIS:
		advise_redis(list, in, heap);
		break;
	case PF_RUNTIME_GO:
		add(list, "GOMEMLIMIT", "environment, not seen",
		    mib_text(list->arena, "", (uint64_t)((double)in->memory_limit_bytes * 0.9),
			     "MiB"),
		    "Go's collector knows no limit by itself: with this it collects more often instead of being killed");
		break;
	default:
		break;
	}
}

/* Runtimes that start a thread for each CPU of the node, whatever the quota. */
static void advise_threads(struct list *list, const struct pf_runtime_input *in)
{
	uint64_t cpus;
	const char *text;

	if (!pf_is_set(in->cpu_limit_millicores))
		return;
	cpus = PF_MAX((in->cpu_limit_millicores + 999) / 1000, 1u);
	if (in->max_threads && in->max_threads <= cpus)
		return;
	text = pf_arena_printf(list->arena, "%" PRIu64, cpus);
	if (in->kind == PF_RUNTIME_GO)
		add(list, "GOMAXPROCS", "environment, not seen", text,
		    "before Go 1.25 the default is one thread a CPU of the node: they spend the quota in the first "
		    "milliseconds of a period and stand still for the rest");
	if (in->kind == PF_RUNTIME_PYTHON && in->max_threads > 4 * cpus)
		add(list, "OMP_NUM_THREADS", "environment, not seen", text,
		    "numerical libraries start a thread for each CPU of the node, which is more than the limit can run");
	if (in->kind == PF_RUNTIME_JVM && in->command_line &&
	    last_option(in->command_line, "-XX:ActiveProcessorCount="))
		add(list, "-XX:ActiveProcessorCount", "set", text,
		    "the JVM sizes its pools by it, so it should follow the limit");
}

int pf_runtime_advise(const struct pf_runtime_input *in, struct pf_arena *arena,
		      struct pf_runtime_advice ret_advice[PF_RUNTIME_ADVICE_MAX])
{
	struct list list = { arena, ret_advice, 0, pf_runtime_name(in->kind) };

	if (in->kind == PF_RUNTIME_NONE)
		return 0;
	advise_memory(&list, in);
	advise_threads(&list, in);
	return arena->err ? arena->err : list.nr;
}
