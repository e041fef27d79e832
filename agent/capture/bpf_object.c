// SPDX-License-Identifier: Apache-2.0
/*
 * bpf_object.c - from the skeleton to attached programs and mapped arrays. A program that is
 * optional and does not load is left out in the next attempt and its signals are off; the rest
 * works.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/bpf_private.h"
#include "sys/file.h"
#include "sys/log.h"

/* Minor faults per sample, at first: 16 samples a 4 MiB, and about 270 ns a fault of a watched container. */
#define GROWTH_PERIOD	  64
#define LOAD_ATTEMPTS_MAX 12 /* each leaves out at least one program */

/* Programs, what they give, what of the kernel they need, and whether the source can do without. */
struct program {
	const char *name;
	bool required;
	uint32_t signals; /* bits of enum pf_signal */
	size_t need;	  /* offset of a bool in struct pf_features, or NO_NEED */
	const char *missing;
};
#define BIT(signal) (1u << (signal))
#define NO_NEED	    SIZE_MAX
#define NEED(field) offsetof(struct pf_features, field)

static const struct program programs[] = {
	{ "pf_bind", true, 0, NO_NEED, NULL },
	{ "pf_snapshot", true, BIT(PF_SIGNAL_MEMORY), NO_NEED, NULL },
	{ "pf_snapshot", true, BIT(PF_SIGNAL_THROTTLING), NEED(bandwidth),
	  "the kernel has no CPU quotas (CONFIG_CFS_BANDWIDTH)" },
	{ "pf_snapshot", true, BIT(PF_SIGNAL_PSI), NEED(psi),
	  "the kernel has no PSI (CONFIG_PSI, boot with psi=1)" },
	{ "pf_read_rawstat", true, 0, NO_NEED, NULL },
	{ "pf_switch", false,
	  BIT(PF_SIGNAL_RUNQ_LATENCY) | BIT(PF_SIGNAL_RUNQ_SPLIT) | BIT(PF_SIGNAL_THROTTLE_STALL),
	  NEED(sched_info),
	  "the kernel has no sched_info (CONFIG_SCHEDSTATS or CONFIG_TASK_DELAY_ACCT)" },
	{ "pf_start_timer", false, BIT(PF_SIGNAL_CPU_WINDOWS) | BIT(PF_SIGNAL_MEMORY_PEAK),
	  NEED(timer), "the kernel has no BPF timers (5.15)" },
	{ "pf_growth", false, BIT(PF_SIGNAL_GROWTH), NO_NEED, NULL },
	{ "pf_cgroup_mkdir", false, 0, NEED(cgroup_mkdir),
	  "no tracepoint cgroup_mkdir: new cgroups are found by scanning" },
	{ "pf_cgroup_rmdir", false, 0, NEED(cgroup_rmdir),
	  "no tracepoint cgroup_rmdir: what a cgroup did last is lost" },
	{ "pf_mark_victim", false, BIT(PF_SIGNAL_OOM_KILLS), NEED(mark_victim_task), NULL },
	{ "pf_mark_victim_pid", false, BIT(PF_SIGNAL_OOM_KILLS), NEED(mark_victim_pid), NULL },
	{ "pf_memcg_reclaim_begin", false, BIT(PF_SIGNAL_RECLAIM), NEED(memcg_reclaim),
	  "no tracepoint mm_vmscan_memcg_reclaim_begin" },
	{ "pf_memcg_reclaim_end", false, BIT(PF_SIGNAL_RECLAIM), NEED(memcg_reclaim),
	  "no tracepoint mm_vmscan_memcg_reclaim_end" },
	{ "pf_direct_reclaim_begin", false, 0, NEED(direct_reclaim),
	  "no tracepoint mm_vmscan_direct_reclaim_begin" },
	{ "pf_direct_reclaim_end", false, 0, NEED(direct_reclaim),
	  "no tracepoint mm_vmscan_direct_reclaim_end" },
	{ "pf_block_complete", false, BIT(PF_SIGNAL_BLOCK_IO), NEED(block_rq_complete),
	  "no tracepoint block_rq_complete" },
};

/* Set by libbpf's messages while a load runs: it has no other way to tell which program failed, and why. */
static char failed_program[64];
static char last_message[256];
static char verifier_says[512];

/* The verifier's log ends with its complaint, then statistics. */
static void keep_complaint(const char *log)
{
	const char *end = strstr(log, "\nprocessed "), *start;
	size_t len;

	end = end ? end : log + strlen(log);
	start = (size_t)(end - log) < sizeof(verifier_says) ? log : end - sizeof(verifier_says) + 1;
	len = (size_t)(end - start);
	memcpy(verifier_says, start, len);
	verifier_says[len] = '\0';
}

static void sort_message(const char *text)
{
	const char *name = strstr(text, "prog '"), *end = name ? strchr(name + 6, '\'') : NULL;

	if (strstr(text, "-- BEGIN PROG LOAD LOG --"))
		keep_complaint(text);
	else if (end && strstr(end, "failed to load"))
		snprintf(failed_program, sizeof(failed_program), "%.*s", (int)(end - name - 6),
			 name + 6);
	else if (*text)
		snprintf(last_message, sizeof(last_message), "%.*s", (int)sizeof(last_message) - 1,
			 text);
}

static int on_libbpf_message(enum libbpf_print_level level, const char *format, va_list args)
{
	PF_AUTO(pf_freep) char *text = NULL;

	if (level == LIBBPF_DEBUG)
		return 0;
	if (vasprintf(&text, format, args) < 0) {
		text = NULL;
		return 0;
	}
	if (*text && text[strlen(text) - 1] == '\n')
		text[strlen(text) - 1] = '\0';
	sort_message(text);
	return 0;
}

static const struct program *program_of(const char *name)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(programs); i++)
		if (!strcmp(programs[i].name, name))
			return &programs[i];
	return NULL;
}

static void signals_off(struct pf_capture *c, const struct program *p, const char *reason)
{
	for (int i = 0; i < PF_NR_SIGNALS; i++)
		if (p->signals & BIT(i))
			pf_signal_off(&c->signals[i], "%s", reason);
}

static void leave_out(struct pf_capture *c, const struct program *p, const char *format, ...)
	PF_PRINTF(3, 4);
static void leave_out(struct pf_capture *c, const struct program *p, const char *format, ...)
{
	char reason[sizeof(c->signals[0].reason)];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	signals_off(c, p, reason);
	pf_log(PF_LOG_WARNING, "capture", "%s is left out: %s", p->name, reason);
}

static bool has_need(const struct pf_capture *c, const struct program *p)
{
	return p->need == NO_NEED || *(const bool *)((const char *)&c->features + p->need);
}

/*
 * Signals as far as the kernel's features tell, and the programs to leave out; a required program stays, without the
 * signal. A signal of two programs (of which one fits the kernel) is on if one of them is.
 */
static uint32_t choose(struct pf_capture *c)
{
	uint32_t skip = 0;

	for (int j = 0; j < PF_NR_SIGNALS; j++)
		pf_signal_off(&c->signals[j], "not measured by this source");
	for (size_t i = 0; i < PF_ARRAY_SIZE(programs); i++) {
		const struct program *p = &programs[i];

		if (!has_need(c, p)) {
			if (p->required) {
				signals_off(c, p, p->missing);
				pf_log(PF_LOG_WARNING, "capture", "%s", p->missing);
				continue;
			}
			skip |= 1u << i;
			if (p->missing)
				leave_out(c, p, "%s", p->missing);
			continue;
		}
		for (int j = 0; j < PF_NR_SIGNALS; j++)
			if (p->signals & BIT(j))
				pf_signal_on(&c->signals[j]);
	}
	if (!c->features.mark_victim)
		pf_signal_off(&c->signals[PF_SIGNAL_OOM_KILLS], "no tracepoint mark_victim");
	if (!c->features.throttle_clock)
		for (int j = PF_SIGNAL_RUNQ_SPLIT; j <= PF_SIGNAL_THROTTLE_STALL; j++)
			if (j != PF_SIGNAL_THROTTLING)
				pf_signal_off(
					&c->signals[j],
					"the kernel has no throttle clock (5.15 and CONFIG_CFS_BANDWIDTH)");
	return skip;
}

static int size_maps(struct pf_capture *c)
{
	struct podfit_bpf *b = c->bpf;
	const struct {
		struct bpf_map *map;
		uint64_t entries;
	} sizes[] = {
		{ b->maps.pf_refs, c->nr_slots },
		{ b->maps.pf_windows, c->nr_slots },
		{ b->maps.pf_snaps, c->nr_slots },
		{ b->maps.pf_stalls, c->nr_slots },
		{ b->maps.pf_growth_watched, c->nr_slots },
		{ b->maps.pf_growth_counts, c->opts.growth_stacks ? PF_GROWTH_COUNTS : 1 },
		{ b->maps.pf_growth_stacks, c->opts.growth_stacks ? PF_GROWTH_STACKS : 1 },
		{ b->maps.pf_entities, (uint64_t)c->nr_slots * c->nr_cpus },
		{ b->maps.pf_waits, (uint64_t)c->nr_slots * c->nr_cpus },
		{ b->maps.pf_throttles, (uint64_t)c->nr_slots * c->nr_cpus },
		{ b->maps.pf_want, (uint64_t)c->nr_slots * PF_NR_CONTROLLERS },
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(sizes); i++) {
		int r = sizes[i].entries > UINT32_MAX
				? -E2BIG
				: bpf_map__set_max_entries(sizes[i].map, (__u32)sizes[i].entries);

		if (r < 0)
			return r;
	}
	return 0;
}

static void settings(struct pf_capture *c)
{
	struct pf_settings *s = &c->bpf->rodata->pf_settings;

	s->nr_slots = c->nr_slots;
	s->nr_cpus = c->nr_cpus;
	s->rdonly_cast = c->features.rdonly_cast;
	s->percpu_cfs_rq = c->features.percpu_cfs_rq;
	for (uint64_t i = 0; i < PF_LATENCY_TABLE; i++)
		c->bpf->rodata->pf_latency_table[i] =
			(uint8_t)pf_hist_bucket(PF_LAYOUT_LATENCY_NS, (i << 6) + 1);
	s->growth_period = GROWTH_PERIOD;
	s->page_shift = (uint32_t)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
}

/* One attempt; @skip has the programs left out so far. */
static int try_load(struct pf_capture *c, uint32_t skip)
{
	int r;

	c->bpf = podfit_bpf__open();
	if (!c->bpf)
		return -errno;
	r = size_maps(c);
	if (r < 0)
		return r;
	settings(c);
	for (size_t i = 0; i < PF_ARRAY_SIZE(programs); i++) {
		struct bpf_program *program =
			bpf_object__find_program_by_name(c->bpf->obj, programs[i].name);

		if (program && skip & (1u << i)) {
			r = bpf_program__set_autoload(program, false);
			if (r < 0)
				return r;
		}
	}
	failed_program[0] = last_message[0] = verifier_says[0] = '\0';
	return podfit_bpf__load(c->bpf);
}

static int load(struct pf_capture *c, uint32_t *skip, char *error, size_t error_size)
{
	for (int attempt = 0; attempt < LOAD_ATTEMPTS_MAX; attempt++) {
		int r = try_load(c, *skip);
		const struct program *p;

		if (r >= 0)
			return 0;
		podfit_bpf__destroy(c->bpf);
		c->bpf = NULL;
		p = program_of(failed_program);
		if (verifier_says[0])
			pf_log(PF_LOG_WARNING, "capture", "verifier on %s: %s", failed_program,
			       verifier_says);
		if (r == -EPERM && !p) {
			snprintf(
				error, error_size,
				"the kernel refuses to load BPF (%s): CAP_BPF and CAP_PERFMON are needed, and no lockdown",
				last_message);
			return r;
		}
		if (!p || p->required) {
			snprintf(error, error_size, "BPF program %s does not load: %s: %s",
				 p ? p->name : "object", strerror(-r), last_message);
			return r;
		}
		*skip |= 1u << (p - programs);
		leave_out(c, p, "does not load: %s", strerror(-r));
	}
	snprintf(error, error_size, "BPF programs do not load");
	return -EOPNOTSUPP;
}

/* All that are attached are optional. */
static void attach(struct pf_capture *c, uint32_t skip)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(programs); i++) {
		struct bpf_program *program =
			bpf_object__find_program_by_name(c->bpf->obj, programs[i].name);
		struct bpf_link **link = NULL;

		if (!program || skip & (1u << i) ||
		    bpf_program__type(program) != BPF_PROG_TYPE_TRACING ||
		    bpf_program__expected_attach_type(program) == BPF_TRACE_ITER)
			continue;
		for (int j = 0; j < c->bpf->skeleton->prog_cnt && !link; j++)
			if (!strcmp(c->bpf->skeleton->progs[j].name, programs[i].name))
				link = c->bpf->skeleton->progs[j].link;
		*link = bpf_program__attach(program);
		if (!*link)
			leave_out(c, &programs[i], "cannot be attached: %s", strerror(errno));
	}
}

static size_t array_bytes(const struct bpf_map *map)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (size_t)bpf_map__max_entries(map) * ((bpf_map__value_size(map) + 7u) & ~7u);

	return (size + page - 1) / page * page;
}

static int map_array(const struct bpf_map *map, void **ret_memory)
{
	void *memory = mmap(NULL, array_bytes(map), PROT_READ | PROT_WRITE, MAP_SHARED,
			    bpf_map__fd(map), 0);

	if (memory == MAP_FAILED)
		return -errno;
	*ret_memory = memory;
	return 0;
}

int pf_bpf_clear_map(const struct bpf_map *map)
{
	void *memory;
	int r = map_array(map, &memory);

	if (r < 0)
		return r;
	memset(memory, 0, array_bytes(map));
	return munmap(memory, array_bytes(map)) < 0 ? -errno : 0;
}

static int map_arrays(struct pf_capture *c)
{
	const struct {
		struct bpf_map *map;
		void **place;
	} arrays[] = {
		{ c->bpf->maps.pf_waits, (void **)&c->waits },
		{ c->bpf->maps.pf_windows, (void **)&c->windows },
		{ c->bpf->maps.pf_snaps, (void **)&c->snaps },
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(arrays); i++) {
		int r = map_array(arrays[i].map, arrays[i].place);

		if (r < 0)
			return r;
		c->mapped_bytes[i] = array_bytes(arrays[i].map);
	}
	return 0;
}

/* Exact since v6.4; before, hashes that are filled as needed count as if they were full. */
static uint64_t bytes_of(int map_fd)
{
	static const char key[] = "\nmemlock:";
	char path[64], text[1024];
	PF_AUTO(pf_closep) int fd = -1;
	const char *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", map_fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pf_file_read_small(&pf_sys_real, fd, text, sizeof(text)) < 0)
		return 0;
	line = strstr(text, key);
	return line ? strtoull(line + sizeof(key) - 1, NULL, 10) : 0;
}

uint64_t pf_bpf_map_bytes(const struct podfit_bpf *bpf)
{
	struct bpf_map *map;
	uint64_t sum = 0;

	bpf_object__for_each_map(map, bpf->obj) sum += bytes_of(bpf_map__fd(map));
	return sum;
}

int pf_bpf_run(const struct bpf_program *program, void *arg, uint32_t arg_size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = arg, .ctx_size_in = arg_size);
	int r = bpf_prog_test_run_opts(bpf_program__fd(program), &opts);

	return r < 0 ? r : (int)opts.retval;
}

/* Runs pf_learn_cpu on every CPU this thread may use; the switch hook learns the others. */
static void learn_cpus(struct pf_capture *c)
{
	cpu_set_t all, one;

	if (!c->features.percpu_cfs_rq || sched_getaffinity(0, sizeof(all), &all) < 0)
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (sched_setaffinity(0, sizeof(one), &one) == 0)
			(void)pf_bpf_run(c->bpf->progs.pf_learn_cpu, NULL, 0); /* the hook will */
	}
	(void)sched_setaffinity(0, sizeof(all), &all); /* was in force a moment ago */
}

static void start_timer(struct pf_capture *c, uint32_t skip)
{
	const struct program *p = program_of("pf_start_timer");
	int r;

	if (skip & (1u << (p - programs)))
		return;
	r = pf_bpf_run(c->bpf->progs.pf_start_timer, NULL, 0);
	if (r < 0)
		leave_out(c, p, "the timer does not start: %s", strerror(-r));
}

static void prepare_growth(struct pf_capture *c)
{
	struct pf_signal_state *signal = &c->signals[PF_SIGNAL_GROWTH];
	int r;

	if (!signal->on)
		return;
	if (!c->opts.growth_stacks) {
		pf_signal_off(signal, "switched off by the configuration");
		return;
	}
	r = pf_bpf_growth_new(c, &c->growth_sampler);
	if (r < 0)
		pf_signal_off(
			signal,
			"page-fault events cannot be opened: %s; CAP_PERFMON is needed at the start",
			strerror(-r));
}

int pf_bpf_load(struct pf_capture *c, char *error, size_t error_size)
{
	uint32_t skip;
	int r;

	libbpf_set_print(on_libbpf_message);
	skip = choose(c);
	r = load(c, &skip, error, error_size);
	if (r < 0)
		return r;
	r = map_arrays(c);
	if (r < 0) {
		snprintf(error, error_size, "the BPF maps cannot be mapped: %s", strerror(-r));
		return r;
	}
	attach(c, skip);
	learn_cpus(c);
	start_timer(c, skip);
	prepare_growth(c);
	return 0;
}

void pf_bpf_unload(struct pf_capture *c)
{
	void *arrays[] = { c->waits, c->windows, c->snaps };

	for (size_t i = 0; i < PF_ARRAY_SIZE(arrays); i++)
		if (arrays[i])
			(void)munmap(arrays[i], c->mapped_bytes[i]); /* on the way out */
	podfit_bpf__destroy(c->bpf);
	c->bpf = NULL;
}
