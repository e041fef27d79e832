// SPDX-License-Identifier: Apache-2.0
/* The source that reads cgroup files, on fake trees: layouts, discovery, limits of the table, damaged files. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/layout.h"
#include "capture/source.h"
#include "unit/check.h"
#include "unit/fake_tree.h"

#define SECOND PF_NS_PER_S

/* What a source told. */
struct seen {
	struct pf_cgroup cgroups[8];
	char paths[8][64];
	struct pf_sample samples[8]; /* the last one of each, in the order of cgroups */
	int nr_cgroups, nr_samples, nr_vanished;
};

static int index_of(const struct seen *seen, uint64_t handle)
{
	for (int i = 0; i < seen->nr_cgroups; i++)
		if (seen->cgroups[i].handle == handle)
			return i;
	return -1;
}

static void on_appeared(void *arg, const struct pf_cgroup *cgroup)
{
	struct seen *seen = arg;

	if (seen->nr_cgroups == 8)
		return;
	seen->cgroups[seen->nr_cgroups] = *cgroup;
	seen->cgroups[seen->nr_cgroups].path = seen->paths[seen->nr_cgroups];
	snprintf(seen->paths[seen->nr_cgroups++], sizeof(seen->paths[0]), "%s", cgroup->path);
}

static void on_sampled(void *arg, const struct pf_sample *sample)
{
	struct seen *seen = arg;
	int i = index_of(seen, sample->handle);

	seen->nr_samples++;
	if (i >= 0)
		seen->samples[i] = *sample;
}

static void on_vanished(void *arg, uint64_t handle)
{
	struct seen *seen = arg;

	seen->nr_vanished += index_of(seen, handle) >= 0;
}

static void on_oom(void *arg, const struct pf_oom_kill *kill)
{
	(void)arg;
	(void)kill;
}

/* "/pods" and below are looked into; what begins with "c" is a container, with "s" a sandbox. */
static void classify(void *arg, const char *path, struct pf_cgroup_class *ret_class)
{
	const char *name = strrchr(path, '/') + 1;

	(void)arg;
	memset(ret_class, 0, sizeof(*ret_class));
	ret_class->kind = *name == 'c'	 ? PF_CGROUP_CONTAINER
			  : *name == 'p' ? PF_CGROUP_DESCEND
			  : *name == 's' ? PF_CGROUP_SANDBOX
					 : PF_CGROUP_SKIP;
}

static struct pf_capture_opts options(const struct fake_tree *tree, struct seen *seen,
				      uint32_t max_containers)
{
	struct pf_capture_opts opts = {
		.cgroup_root = tree->root,
		.proc_root = tree->root,
		.max_containers = max_containers,
		.interval_ns = SECOND,
		.classify = classify,
		.sink = { seen, on_appeared, on_sampled, on_vanished, on_oom },
	};

	memset(seen, 0, sizeof(*seen));
	return opts;
}

static void write_v2(struct fake_tree *tree, const char *dir, const char *usage_usec,
		     const char *current)
{
	char path[128], text[256];

#define PUT(file, ...)                                                                             \
	do {                                                                                       \
		snprintf(path, sizeof(path), "%s/" file, dir);                                     \
		snprintf(text, sizeof(text), __VA_ARGS__);                                         \
		fake_tree_write(tree, path, text);                                                 \
	} while (0)
	PUT("cgroup.procs", "1\n");
	PUT("cpu.stat", "usage_usec %s\nnr_periods 10\nnr_throttled 4\nthrottled_usec 1500\n",
	    usage_usec);
	PUT("cpu.max", "20000 100000\n");
	PUT("cpu.weight", "39\n");
	PUT("memory.current", "%s\n", current);
	PUT("memory.peak", "70000000\n");
	PUT("memory.max", "104857600\n");
	PUT("memory.high", "max\n");
	PUT("memory.swap.current", "4096\n");
	PUT("memory.swap.max", "max\n");
	PUT("memory.stat",
	    "anon 30000000\nfile 20000000\nkernel_stack 16384\ninactive_file 8000000\nactive_file 12000000\nunevictable 0\nshmem 1000000\nslab_unreclaimable 100\n");
	PUT("memory.events", "low 0\nhigh 3\nmax 2\noom 1\noom_kill 1\n");
	PUT("memory.pressure",
	    "some avg10=0.00 avg60=0.00 avg300=0.00 total=50\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=20\n");
	PUT("pids.current", "7\n");
#undef PUT
}

static void test_v2(void)
{
	const struct pf_capture_ops *ops = pf_capture_find("cgroupfs");
	struct pf_capture *capture = NULL;
	struct pf_self_cost cost;
	struct fake_tree tree;
	struct seen seen;
	char error[256] = "";

	pf_self_cost_clear(&cost);
	fake_tree_init(&tree);
	fake_tree_write(&tree, "cgroup.controllers", "cpu memory pids\n");
	write_v2(&tree, "pods/pod1/c1", "1000000", "60000000");
	write_v2(&tree, "pods/pod1/c1/child", "1", "1");
	write_v2(&tree, "pods/pod1/sandbox", "1", "1");
	write_v2(&tree, "system/c9", "1", "1");

	struct pf_capture_opts opts = options(&tree, &seen, 4);

	PF_CHECK_INT("open", ops->open(&opts, &capture, error, sizeof(error)), 0);
	PF_CHECK_INT("only the container, not its child, the sandbox, or what is skipped",
		     seen.nr_cgroups, 1);
	PF_CHECK_STR("its path", seen.cgroups[0].path, "/pods/pod1/c1");
	write_v2(&tree, "pods/pod1/c1", "1250000", "50000000");
	write_v2(&tree, "pods/c2", "5000", "1000");
	PF_CHECK_INT("snapshot", ops->snapshot(capture, 20 * SECOND), 0);
	PF_CHECK_INT("the new one is found", seen.nr_cgroups, 2);

	const struct pf_sample *s = &seen.samples[0];

	PF_CHECK_INT("usage is the growth", s->usage_ns, 250000000);
	PF_CHECK_INT("quota", s->cfs_quota_us, 20000);
	PF_CHECK_INT("weight", s->cpu_weight, 39);
	PF_CHECK_INT("throttled did not grow", s->nr_throttled, 0);
	PF_CHECK_INT("memory", s->memory_usage_bytes, 50000000);
	PF_CHECK_INT("the peak is the higher of both ends", s->memory_peak_bytes, 60000000);
	PF_CHECK_INT("working set", s->working_set_bytes, 42000000);
	PF_CHECK_INT("hot: anon, shmem, unreclaimable slab, stacks, swap", s->hot_bytes,
		     30000000 + 1000000 + 100 + 16384 + 4096);
	PF_CHECK("limit",
		 s->memory_limit_bytes == 104857600 && s->memory_high_bytes == PF_NO_LIMIT);
	PF_CHECK("a kind that the kernel does not show is unknown", s->kinds.sock == PF_UNKNOWN);
	PF_CHECK("no such file: unknown",
		 s->psi.cpu_some_ns == PF_UNKNOWN && s->cfs_burst_us == PF_UNKNOWN);
	PF_CHECK_INT("threads", s->nr_threads, 7);
	PF_CHECK_STR("layout", ops->layout(capture), "v2");
	ops->cost(capture, &cost);
	PF_CHECK("no events, so no share of them", isnan(cost.thinning));
	PF_CHECK_INT("a new cgroup is told from its birth", seen.samples[1].usage_ns, 5000000);
	PF_CHECK_INT("its events too", seen.samples[1].events_oom_kill, 1);
	PF_CHECK_INT("and its peak is the kernel's", seen.samples[1].memory_peak_bytes, 70000000);
	PF_CHECK("no histograms from files", !s->hists[PF_HIST_USAGE]);

	fake_tree_remove(&tree, "pods/c2");
	PF_CHECK_INT("snapshot", ops->snapshot(capture, 30 * SECOND), 0);
	PF_CHECK_INT("gone", seen.nr_vanished, 1);
	PF_CHECK("with a last sample", seen.samples[1].last);
	ops->close(capture);
	fake_tree_done(&tree);
}

static void test_damaged(void)
{
	const struct pf_capture_ops *ops = pf_capture_find("cgroupfs");
	struct pf_capture *capture = NULL;
	struct pf_loss losses[16];
	struct fake_tree tree;
	struct seen seen;
	char error[256] = "";
	uint64_t nr_malformed = 0;

	fake_tree_init(&tree);
	fake_tree_write(&tree, "cgroup.controllers", "cpu memory\n");
	write_v2(&tree, "c1", "1000", "5000");

	struct pf_capture_opts opts = options(&tree, &seen, 4);

	PF_CHECK_INT("open", ops->open(&opts, &capture, error, sizeof(error)), 0);
	fake_tree_write(&tree, "c1/memory.current", "lots\n");
	fake_tree_write(&tree, "c1/cpu.stat", "usage_usec 2000\nnr_periods\n");
	fake_tree_write(&tree, "c1/memory.stat", "");
	PF_CHECK_INT("snapshot", ops->snapshot(capture, SECOND), 0);
	PF_CHECK("unknown, not 0", seen.samples[0].memory_usage_bytes == PF_UNKNOWN &&
					   seen.samples[0].working_set_bytes == PF_UNKNOWN &&
					   seen.samples[0].kinds.anon == PF_UNKNOWN &&
					   seen.samples[0].hot_bytes == PF_UNKNOWN);
	PF_CHECK_INT("the rest of the sample is there", seen.samples[0].cfs_quota_us, 20000);
	for (size_t i = 0, n = ops->losses(capture, losses, 16); i < n; i++)
		if (!strcmp(losses[i].reason, "file_malformed"))
			nr_malformed = losses[i].count;
	PF_CHECK_INT("counted", nr_malformed, 1);
	ops->close(capture);
	fake_tree_done(&tree);
}

static void test_table_full(void)
{
	const struct pf_capture_ops *ops = pf_capture_find("cgroupfs");
	struct pf_capture *capture = NULL;
	struct pf_loss losses[16];
	struct fake_tree tree;
	struct seen seen;
	char error[256] = "";

	fake_tree_init(&tree);
	fake_tree_write(&tree, "cgroup.controllers", "cpu memory\n");
	write_v2(&tree, "c1", "1", "1");
	write_v2(&tree, "c2", "1", "1");
	write_v2(&tree, "c3", "1", "1");

	struct pf_capture_opts opts = options(&tree, &seen, 2);

	PF_CHECK_INT("open", ops->open(&opts, &capture, error, sizeof(error)), 0);
	PF_CHECK_INT("as many as there is room for", seen.nr_cgroups, 2);
	PF_CHECK_INT("snapshot", ops->snapshot(capture, SECOND), 0);
	PF_CHECK_INT("nothing is thrown out", seen.nr_vanished, 0);
	PF_CHECK("told once, not at every scan", ops->losses(capture, losses, 16) > 0 &&
							 !strcmp(losses[0].reason, "slots_full") &&
							 losses[0].count == 1);
	fake_tree_remove(&tree, seen.cgroups[0].path + 1);
	/* The walk may come to the waiting one before it misses the other. */
	PF_CHECK_INT("snapshot", ops->snapshot(capture, 2 * SECOND), 0);
	PF_CHECK_INT("snapshot", ops->snapshot(capture, 3 * SECOND), 0);
	PF_CHECK_INT("the third is taken when there is room", seen.nr_cgroups, 3);
	ops->close(capture);
	fake_tree_done(&tree);
}

/* A container that was removed and made again under its path between two looks is two lives. */
static void test_made_anew(void)
{
	const struct pf_capture_ops *ops = pf_capture_find("cgroupfs");
	struct pf_capture *capture = NULL;
	struct fake_tree tree;
	struct seen seen;
	char error[256] = "", from[PATH_MAX], to[PATH_MAX];

	fake_tree_init(&tree);
	fake_tree_write(&tree, "cgroup.controllers", "cpu memory\n");
	write_v2(&tree, "c1", "900", "1");
	write_v2(&tree, "other", "100", "1");

	struct pf_capture_opts opts = options(&tree, &seen, 4);

	PF_CHECK_INT("open", ops->open(&opts, &capture, error, sizeof(error)), 0);
	fake_tree_remove(&tree, "c1");
	snprintf(from, sizeof(from), "%s/other", tree.root);
	snprintf(to, sizeof(to), "%s/c1", tree.root);
	PF_CHECK_INT("the same name, another inode", rename(from, to), 0);
	PF_CHECK_INT("snapshot", ops->snapshot(capture, SECOND), 0);
	PF_CHECK_INT("two lives", seen.nr_cgroups, 2);
	PF_CHECK_INT("the first ended", seen.nr_vanished, 1);
	PF_CHECK("two handles", seen.cgroups[0].handle != seen.cgroups[1].handle);
	PF_CHECK_INT("no difference across lives", seen.samples[1].usage_ns, 100000);
	ops->close(capture);
	fake_tree_done(&tree);
}

static const char proc_cgroups[] =
	"#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
	"cpuset\t3\t1\t1\ncpu\t4\t9\t1\ncpuacct\t5\t9\t1\nmemory\t10\t9\t1\npids\t9\t1\t1\n";

static void test_v1(void)
{
	const struct pf_capture_ops *ops = pf_capture_find("cgroupfs");
	struct pf_capture *capture = NULL;
	struct fake_tree tree;
	struct seen seen;
	char error[256] = "";

	fake_tree_init(&tree);
	fake_tree_write(&tree, "cgroups", proc_cgroups);
	fake_tree_write(&tree, "cpu,cpuacct/cgroup.procs", "");
	fake_tree_write(&tree, "memory/cgroup.procs", "");
	fake_tree_write(&tree, "cpu,cpuacct/c1/cpuacct.usage", "7000000\n");
	fake_tree_write(&tree, "cpu,cpuacct/c1/cpu.stat",
			"nr_periods 5\nnr_throttled 1\nthrottled_time 99\n");
	fake_tree_write(&tree, "cpu,cpuacct/c1/cpu.cfs_quota_us", "-1\n");
	fake_tree_write(&tree, "cpu,cpuacct/c1/cpu.cfs_period_us", "100000\n");
	fake_tree_write(&tree, "cpu,cpuacct/c1/cpu.shares", "2048\n");
	fake_tree_write(&tree, "memory/c1/memory.usage_in_bytes", "9000\n");
	fake_tree_write(&tree, "memory/c1/memory.limit_in_bytes", "9223372036854771712\n");
	fake_tree_write(&tree, "memory/c1/memory.memsw.usage_in_bytes", "10000\n");
	fake_tree_write(&tree, "memory/c1/memory.stat",
			"cache 1\ntotal_cache 5000\ntotal_rss 3000\ntotal_inactive_file 4000\n");
	fake_tree_write(&tree, "memory/c1/memory.oom_control",
			"oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");

	struct pf_capture_opts opts = options(&tree, &seen, 4);

	PF_CHECK_INT("open", ops->open(&opts, &capture, error, sizeof(error)), 0);
	fake_tree_write(&tree, "cpu,cpuacct/c1/cpuacct.usage", "9000000\n");
	PF_CHECK_INT("snapshot", ops->snapshot(capture, SECOND), 0);

	const struct pf_sample *s = &seen.samples[0];

	PF_CHECK_INT("usage", s->usage_ns, 2000000);
	PF_CHECK("no quota",
		 s->cfs_quota_us == PF_NO_LIMIT && s->memory_limit_bytes == PF_NO_LIMIT);
	PF_CHECK_INT("shares as a weight", s->cpu_weight, 200);
	PF_CHECK_INT("working set", s->working_set_bytes, 5000);
	PF_CHECK_INT("swap is what memory and swap have more than memory", s->kinds.swap, 1000);
	PF_CHECK_INT("kills", s->events_oom_kill, 0);
	PF_CHECK("no PSI on v1", !ops->signals(capture)[PF_SIGNAL_PSI].on &&
					 ops->signals(capture)[PF_SIGNAL_PSI].reason[0]);
	ops->close(capture);
	fake_tree_done(&tree);
}

static void test_layout(void)
{
	struct pf_layout layout;
	struct fake_tree tree;
	char error[256] = "";

	PF_CHECK_INT("hierarchy", pf_layout_parse_proc_cgroups(proc_cgroups, "memory"), 10);
	PF_CHECK_INT("not the prefix of another", pf_layout_parse_proc_cgroups(proc_cgroups, "cpu"),
		     4);
	PF_CHECK_INT("absent", pf_layout_parse_proc_cgroups(proc_cgroups, "blkio"), -1);
	PF_CHECK_INT("damaged", pf_layout_parse_proc_cgroups("memory\tten\t1\t1\n", "memory"), -1);

	fake_tree_init(&tree);
	PF_CHECK_INT("an empty directory",
		     pf_layout_open(tree.root, tree.root, &layout, error, sizeof(error)), -ENOENT);
	PF_CHECK("says what to do", strstr(error, "--cgroup.root") != NULL);
	fake_tree_write(&tree, "cgroups", proc_cgroups);
	fake_tree_write(&tree, "memory/cgroup.procs", "");
	fake_tree_write(&tree, "cpu/cgroup.procs", "");
	fake_tree_write(&tree, "unified/cgroup.controllers", "");
	fake_tree_write(&tree, "unified/cgroup.procs", "");
	PF_CHECK_INT("hybrid", pf_layout_open(tree.root, tree.root, &layout, error, sizeof(error)),
		     0);
	PF_CHECK_INT("hybrid", layout.mode, PF_CGROUP_HYBRID);
	PF_CHECK_INT("v2 tree's number", layout.hierarchy[PF_CTL_UNIFIED], 0);
	PF_CHECK_INT("memory's number", layout.hierarchy[PF_CTL_MEMORY], 10);
	PF_CHECK_INT("not mounted", layout.dir_fd[PF_CTL_PIDS], -1);
	pf_layout_close(&layout);
	fake_tree_write(&tree, "cgroup.controllers", "");
	PF_CHECK_INT("v2", pf_layout_open(tree.root, tree.root, &layout, error, sizeof(error)), 0);
	PF_CHECK_INT("v2", layout.mode, PF_CGROUP_V2);
	pf_layout_close(&layout);
	fake_tree_done(&tree);
	PF_CHECK_INT("no such directory",
		     pf_layout_open("/nowhere", "/proc", &layout, error, sizeof(error)), -ENOENT);
	PF_CHECK("names it", strstr(error, "/nowhere") != NULL);
}

PF_TEST_SUITE(cgroupfs, { "v2", test_v2 }, { "damaged", test_damaged },
	      { "table_full", test_table_full }, { "made_anew", test_made_anew }, { "v1", test_v1 },
	      { "layout", test_layout });
