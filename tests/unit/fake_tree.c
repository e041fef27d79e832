// SPDX-License-Identifier: Apache-2.0
#include "unit/fake_tree.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fake_tree_init(struct fake_tree *tree)
{
	snprintf(tree->root, sizeof(tree->root), "/tmp/podfit-tree-XXXXXX");
	if (!mkdtemp(tree->root))
		tree->root[0] = '\0';
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void fake_tree_remove(struct fake_tree *tree, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", tree->root, path);
	(void)nftw(full, remove_one, 16, FTW_DEPTH | FTW_PHYS); /* seen by the checks that follow */
}

void fake_tree_done(struct fake_tree *tree)
{
	if (tree->root[0])
		(void)nftw(tree->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void fake_tree_write(struct fake_tree *tree, const char *path, const char *text)
{
	char full[PATH_MAX];
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", tree->root, path);
	for (char *p = full + strlen(tree->root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		(void)mkdir(full, 0755); /* mostly there already */
		*p = '/';
	}
	file = fopen(full, "w");
	if (!file) {
		perror(full);
		return;
	}
	fputs(text, file);
	fclose(file);
}
