// SPDX-License-Identifier: Apache-2.0
/* Which cgroups are tracked, on fake trees: hints beside scans, and who waits for room. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "capture/discover.h"
#include "unit/check.h"
#include "unit/fake_tree.h"

#define SECOND PF_NS_PER_S

struct seen {
	struct pf_discover *discover;
	unsigned nr_appeared, nr_from_start;
};

static int on_appeared(void *arg, struct pf_tracked *tracked)
{
	struct seen *seen = arg;

	seen->nr_appeared++;
	seen->nr_from_start += tracked->from_start;
	return 0;
}

static void on_vanished(void *arg, struct pf_tracked *tracked)
{
	pf_discover_remove(((struct seen *)arg)->discover, tracked);
}

static void all_are_plain(void *arg, const char *path, struct pf_cgroup_class *ret_class)
{
	(void)arg;
	(void)path;
	memset(ret_class, 0, sizeof(*ret_class));
	ret_class->kind = PF_CGROUP_PLAIN;
}

static int discover_in(const struct fake_tree *tree, uint32_t max_tracked, struct seen *seen)
{
	struct pf_discover_opts opts = {
		.root_fd = open(tree->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.max_tracked = max_tracked,
		.classify = all_are_plain,
		.arg = seen,
		.appeared = on_appeared,
		.vanished = on_vanished,
	};

	PF_CHECK("the tree can be opened", opts.root_fd >= 0);
	PF_CHECK_INT("new", pf_discover_new(&opts, &seen->discover), 0);
	return opts.root_fd;
}

static void test_from_start(void)
{
	struct seen seen = { 0 };
	struct fake_tree tree;
	int root_fd;

	fake_tree_init(&tree);
	fake_tree_write(&tree, "old/cgroup.procs", "");
	root_fd = discover_in(&tree, 4, &seen);
	PF_CHECK_INT("scan", pf_discover_scan(seen.discover, SECOND), 1);
	PF_CHECK_INT("it lived before us", seen.nr_from_start, 1);
	fake_tree_write(&tree, "new/cgroup.procs", "");
	PF_CHECK_INT("hint", pf_discover_hint(seen.discover, "/new", 2 * SECOND), 1);
	PF_CHECK_INT("appeared", seen.nr_appeared, 2);
	PF_CHECK_INT("it did not, though no second scan was made yet", seen.nr_from_start, 1);
	pf_discover_free(seen.discover);
	(void)close(root_fd); /* read only */
	fake_tree_done(&tree);
}

static void test_waiting_one_goes(void)
{
	struct seen seen = { 0 };
	struct fake_tree tree;
	int root_fd;

	fake_tree_init(&tree);
	fake_tree_write(&tree, "a/cgroup.procs", "");
	root_fd = discover_in(&tree, 1, &seen);
	PF_CHECK_INT("scan", pf_discover_scan(seen.discover, SECOND), 1);
	PF_CHECK("nobody waits", !pf_discover_is_full(seen.discover));
	fake_tree_write(&tree, "b/cgroup.procs", "");
	PF_CHECK_INT("hint", pf_discover_hint(seen.discover, "/b", SECOND), -ENOSPC);
	PF_CHECK("waits", pf_discover_is_full(seen.discover));
	PF_CHECK_INT("scan", pf_discover_scan(seen.discover, 2 * SECOND), 1);
	PF_CHECK("waits still", pf_discover_is_full(seen.discover));
	PF_CHECK_INT("counted once", pf_discover_losses(seen.discover)->nr_table_full, 1);
	fake_tree_remove(&tree, "b");
	PF_CHECK_INT("scan", pf_discover_scan(seen.discover, 3 * SECOND), 1);
	PF_CHECK("went without having been taken", !pf_discover_is_full(seen.discover));
	pf_discover_free(seen.discover);
	(void)close(root_fd); /* read only */
	fake_tree_done(&tree);
}

PF_TEST_SUITE(discover, { "from_start", test_from_start },
	      { "waiting_one_goes", test_waiting_one_goes });
