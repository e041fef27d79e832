/* SPDX-License-Identifier: Apache-2.0 */
/* fake_tree.h - a directory of small files that looks like a cgroup mount. */
#ifndef PF_TESTS_FAKE_TREE_H
#define PF_TESTS_FAKE_TREE_H

struct fake_tree {
	char root[64]; /* "" when it could not be made */
};

void fake_tree_init(struct fake_tree *tree);
/** fake_tree_done() - removes everything below the root. */
void fake_tree_done(struct fake_tree *tree);
/** fake_tree_write() - makes the directories of @path (below the root) and the file with @text. */
void fake_tree_write(struct fake_tree *tree, const char *path, const char *text);
void fake_tree_remove(struct fake_tree *tree,
		      const char *path); /* a file, or a directory with all below */

#endif
