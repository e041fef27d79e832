// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "capture/source.h"
#include "unit/check.h"
#include "unit/fake_tree.h"

struct seen {
	struct pf_cgroup cgroup;
	struct pf_sample sample;
	struct pf_oom_kill kill;
	uint32_t usage_bucket_3;
	int nr_cgroups, nr_samples, nr_vanished, nr_kills;
};

static void on_appeared(void *arg, const struct pf_cgroup *cgroup)
{
	struct seen *seen = arg;

	seen->cgroup = *cgroup;
	seen->nr_cgroups++;
}

static void on_sampled(void *arg, const struct pf_sample *sample)
{
	struct seen *seen = arg;

	seen->sample = *sample;
	seen->usage_bucket_3 = sample->hists[PF_HIST_USAGE] ? sample->hists[PF_HIST_USAGE][3] : 0;
	seen->nr_samples++;
}

static void on_vanished(void *arg, uint64_t handle)
{
	((struct seen *)arg)->nr_vanished += handle == 7;
}

static void on_oom(void *arg, const struct pf_oom_kill *kill)
{
	struct seen *seen = arg;

	seen->kill = *kill;
	seen->nr_kills++;
}

static void classify(void *arg, const char *path, struct pf_cgroup_class *ret_class)
{
	(void)arg;
	(void)path;
	memset(ret_class, 0, sizeof(*ret_class));
	ret_class->kind = PF_CGROUP_CONTAINER;
}

static int open_text(const char *text, struct fake_tree *tree, struct seen *seen,
		     struct pf_capture **ret_capture, char *error, size_t error_size)
{
	char path[128];
	struct pf_capture_opts opts = {
		.replay_path = path,
		.classify = classify,
		.sink = { seen, on_appeared, on_sampled, on_vanished, on_oom },
	};

	memset(seen, 0, sizeof(*seen));
	fake_tree_init(tree);
	fake_tree_write(tree, "recording", text);
	snprintf(path, sizeof(path), "%s/recording", tree->root);
	return pf_capture_find("replay")->open(&opts, ret_capture, error, error_size);
}

static void test_play(void)
{
	static const char text[] =
		"# a comment\n"
		"cgroup 7 99 500 /kubepods/pod1/c1\n"
		"tick 1000\n"
		"\n"
		"sample 7 1000 2000 usage_ns=300 cfs_quota_us=none kinds.anon=44 hist.usage=3:5,9:1 hist.demand=\n"
		"oom 7 1500 123 python3 1000 2000\n"
		"tick 2000\n"
		"sample 7 2000 2500 last\n"
		"vanished 7\n"
		"tick 3000";
	const struct pf_capture_ops *ops = pf_capture_find("replay");
	struct pf_capture *capture = NULL;
	struct fake_tree tree;
	struct seen seen;
	char error[256] = "";

	PF_CHECK_INT("open", open_text(text, &tree, &seen, &capture, error, sizeof(error)), 0);
	PF_CHECK_STR("no error", error, "");
	PF_CHECK_INT("nothing is told before the first snapshot", seen.nr_cgroups, 0);
	PF_CHECK_INT("first", ops->snapshot(capture, 10000), 0);
	PF_CHECK_INT("one cgroup", seen.nr_cgroups, 1);
	PF_CHECK_INT("times move with the first tick", seen.cgroup.born_ns, 9500);
	PF_CHECK_INT("no sample yet", seen.nr_samples, 0);
	PF_CHECK_INT("second", ops->snapshot(capture, 11000), 0);
	PF_CHECK_INT("usage", seen.sample.usage_ns, 300);
	PF_CHECK_INT("end", seen.sample.end_ns, 11000);
	PF_CHECK("no limit", seen.sample.cfs_quota_us == PF_NO_LIMIT);
	PF_CHECK("not named: unknown", seen.sample.memory_usage_bytes == PF_UNKNOWN);
	PF_CHECK_INT("a nested field", seen.sample.kinds.anon, 44);
	PF_CHECK_INT("a bucket", seen.usage_bucket_3, 5);
	PF_CHECK("an empty histogram is one", seen.sample.hists[PF_HIST_DEMAND] != NULL);
	PF_CHECK("one that is not named is none", seen.sample.hists[PF_HIST_BLOCK_IO] == NULL);
	PF_CHECK_INT("a kill", seen.nr_kills, 1);
	PF_CHECK_STR("of whom", seen.kill.comm, "python3");
	PF_CHECK_INT("third", ops->snapshot(capture, 12000), 0);
	PF_CHECK("the last one", seen.sample.last && seen.nr_vanished == 1);
	PF_CHECK_INT("behind the end nothing comes", ops->snapshot(capture, 13000), 0);
	PF_CHECK_INT("nothing", seen.nr_samples, 2);
	ops->close(capture);
	fake_tree_done(&tree);
}

static const struct bad_case {
	const char *name, *text, *want_line;
} bad_cases[] = {
	{ "unknown record", "tick 1\nrumour 7\n", ":2:" },
	{ "unknown field", "sample 7 0 1 colour=3\n", ":1:" },
	{ "not a number", "sample 7 0 1 usage_ns=many\n", ":1:" },
	{ "ends before it begins", "sample 7 5 1\n", ":1:" },
	{ "bucket beyond the layout", "\n\nsample 7 0 1 hist.usage=272:1\n", ":3:" },
	{ "count beyond 32 bits", "sample 7 0 1 hist.usage=1:4294967296\n", ":1:" },
	{ "no count", "sample 7 0 1 hist.usage=1\n", ":1:" },
	{ "unknown histogram", "sample 7 0 1 hist.mood=1:1\n", ":1:" },
	{ "too few words", "cgroup 7 99 500\n", ":1:" },
	{ "name too long", "oom 7 1 2 a-name-that-is-too-long 1 2\n", ":1:" },
	{ "tick of what", "tick\n", ":1:" },
};

static void test_bad(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(bad_cases); i++) {
		const struct bad_case *c = &bad_cases[i];
		struct pf_capture *capture = NULL;
		struct fake_tree tree;
		struct seen seen;
		char error[256] = "";

		PF_CHECK_INT(c->name,
			     open_text(c->text, &tree, &seen, &capture, error, sizeof(error)),
			     -EBADMSG);
		PF_CHECK(c->name, strstr(error, c->want_line) != NULL);
		PF_CHECK(c->name, capture == NULL);
		fake_tree_done(&tree);
	}
}

PF_TEST_SUITE(replay, { "play", test_play }, { "bad", test_bad });
