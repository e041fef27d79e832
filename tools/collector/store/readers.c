// SPDX-License-Identifier: Apache-2.0
#include "collector/store/readers.h"

#include <errno.h>
#include <pthread.h>

enum { IDLE_MAX = 8 };

struct pf_readers {
	const struct pf_store_ops *ops;
	const char *where;
	pthread_mutex_t lock;
	struct pf_store *idle[IDLE_MAX];
	size_t nr_idle;
};

int pf_readers_new(const struct pf_store_ops *ops, const char *where,
		   struct pf_readers **ret_readers)
{
	struct pf_readers *readers = calloc(1, sizeof(*readers));

	if (!readers)
		return -ENOMEM;
	readers->ops = ops;
	readers->where = where;
	(void)pthread_mutex_init(&readers->lock, NULL); /* cannot fail with default attributes */
	*ret_readers = readers;
	return 0;
}

void pf_readers_free(struct pf_readers *readers)
{
	if (!readers)
		return;
	for (size_t i = 0; i < readers->nr_idle; i++)
		readers->ops->close(readers->idle[i]);
	(void)pthread_mutex_destroy(&readers->lock);
	free(readers);
}

int pf_readers_take(struct pf_readers *readers, struct pf_store **ret_store, char *error,
		    size_t error_size)
{
	struct pf_store *store = NULL;
	char note[256] = "";

	pthread_mutex_lock(&readers->lock);
	if (readers->nr_idle)
		store = readers->idle[--readers->nr_idle];
	pthread_mutex_unlock(&readers->lock);
	if (!store)
		return readers->ops->open(readers->where, false, ret_store, note, sizeof(note),
					  error, error_size);
	*ret_store = store;
	return 0;
}

void pf_readers_give(struct pf_readers *readers, struct pf_store *store, bool failed)
{
	pthread_mutex_lock(&readers->lock);
	if (!failed && readers->nr_idle < IDLE_MAX) {
		readers->idle[readers->nr_idle++] = store;
		store = NULL;
	}
	pthread_mutex_unlock(&readers->lock);
	readers->ops->close(store);
}
