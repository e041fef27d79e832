// SPDX-License-Identifier: Apache-2.0
#include "collector/ingest/writer.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/map.h"
#include "core/units.h"
#include "sys/clock.h"

enum {
	BATCH_MAX = 1024,	/* reports in a transaction */
	BATCH_BYTES = 64 << 20, /* of their bodies */
	ROWS_MAX = 4,		/* stored reports remembered of a node: two of each of two runs */
	NODES_MAX = 1 << 20,
};

/* A stored report this collector knows of. */
struct known_row {
	uint64_t run_id, sequence;
	struct pf_keyset keys;
};

struct known_node {
	char *name; /* cluster, a line feed, node */
	struct known_row rows[ROWS_MAX];
	size_t nr_rows;
	uint64_t batch; /* the newest batch that touched it */
};

struct batch {
	struct pf_write *writes[BATCH_MAX];
	enum pf_written how[BATCH_MAX];
	size_t nr, bytes;
	uint64_t nr_superseded, new_bytes;
};

struct pf_writer {
	const struct pf_store_ops *ops;
	struct pf_store *store;
	pthread_t thread;
	bool started;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	struct pf_write *first, **last;
	struct pf_writer_stats stats;
	bool stop;

	/* The writer's thread only. */
	struct pf_map *nodes;
	uint64_t batch; /* its number */
	struct batch now;
};

/* ---- what is known to be stored ---- */

static void row_done(struct known_row *row)
{
	pf_keyset_done(&row->keys);
}

static void node_forget(struct known_node *node)
{
	for (size_t i = 0; i < node->nr_rows; i++)
		row_done(&node->rows[i]);
	node->nr_rows = 0;
}

static void node_free(struct known_node *node)
{
	if (!node)
		return;
	node_forget(node);
	free(node->name);
	free(node);
}

static void node_remove_row(struct known_node *node, size_t at)
{
	row_done(&node->rows[at]);
	node->nr_rows--;
	memmove(&node->rows[at], &node->rows[at + 1], (node->nr_rows - at) * sizeof(node->rows[0]));
}

static struct known_node *find_node(struct pf_writer *writer, const struct pf_store_key *key)
{
	char name[1024];
	struct known_node *node;

	(void)snprintf(name, sizeof(name), "%s\n%s", key->cluster, key->node);
	node = pf_map_get_str(writer->nodes, name);
	if (node)
		return node;
	node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	node->name = strdup(name);
	if (!node->name || pf_map_put_str(writer->nodes, name, node) < 0) {
		node_free(node);
		return NULL; /* it is stored all the same, only nothing is tidied up after it */
	}
	return node;
}

/* ---- one batch ---- */

static bool is_row(const struct known_row *row, const struct pf_store_key *key)
{
	return row->run_id == key->run_id && row->sequence == key->sequence;
}

/* All that @write says is stored already: itself, or a newer report of the run. */
static bool is_known(const struct known_node *node, const struct pf_write *write)
{
	const struct pf_store_key *key = &write->row.key;

	for (size_t i = 0; i < node->nr_rows; i++) {
		const struct known_row *row = &node->rows[i];

		if (is_row(row, key) ||
		    (row->run_id == key->run_id && row->sequence > key->sequence &&
		     pf_keyset_covers(&row->keys, &write->keys)))
			return true;
	}
	return false;
}

/* Deletes the stored reports that @write makes superfluous. */
static int supersede(struct pf_writer *writer, struct known_node *node,
		     const struct pf_write *write, struct batch *batch)
{
	struct pf_store_key key = write->row.key;

	for (size_t i = 0; i < node->nr_rows;) {
		const struct known_row *row = &node->rows[i];
		int r;

		if (row->run_id != write->row.key.run_id ||
		    row->sequence >= write->row.key.sequence ||
		    !pf_keyset_covers(&write->keys, &row->keys)) {
			i++;
			continue;
		}
		key.sequence = row->sequence;
		r = writer->ops->delete_report(writer->store, &key);
		if (r < 0)
			return r;
		batch->nr_superseded++;
		node_remove_row(node, i);
	}
	return 0;
}

static void remember(struct known_node *node, struct pf_write *write)
{
	if (node->nr_rows == ROWS_MAX)
		node_remove_row(node, 0); /* the oldest; stays in the store until retention */
	node->rows[node->nr_rows++] =
		(struct known_row){ write->row.key.run_id, write->row.key.sequence, write->keys };
	write->keys = (struct pf_keyset){ 0 };
}

static int write_one(struct pf_writer *writer, struct batch *batch, size_t at)
{
	struct pf_write *write = batch->writes[at];
	struct known_node *node = find_node(writer, &write->row.key);
	int r;

	if (node)
		node->batch = writer->batch;
	batch->how[at] = PF_WRITTEN_KNOWN;
	if (node && is_known(node, write))
		return 0;
	batch->how[at] = PF_WRITTEN_NEW;
	batch->new_bytes += write->row.body_len;
	if (node) {
		r = supersede(writer, node, write, batch);
		if (r < 0)
			return r;
	}
	r = writer->ops->put_report(writer->store, &write->row);
	if (r == 0 && node)
		remember(node, write);
	return r;
}

static int write_batch(struct pf_writer *writer, struct batch *batch)
{
	int r = writer->ops->begin(writer->store);

	if (r < 0)
		return r;
	for (size_t i = 0; i < batch->nr && r == 0; i++)
		r = write_one(writer, batch, i);
	if (r == 0)
		r = writer->ops->commit(writer->store);
	if (r < 0)
		writer->ops->rollback(writer->store);
	return r;
}

/* After a failure it is not known what is stored of the nodes in the batch. */
static void forget_batch(struct pf_writer *writer)
{
	struct known_node *node;

	pf_map_for_each(writer->nodes, cursor, node)
		if (node->batch == writer->batch)
			node_forget(node);
}

static int by_key(const void *left, const void *right)
{
	const struct pf_write *a = *(struct pf_write *const *)left;
	const struct pf_write *b = *(struct pf_write *const *)right;
	int r = strcmp(a->row.key.cluster, b->row.key.cluster);

	if (r == 0)
		r = strcmp(a->row.key.node, b->row.key.node);
	if (r == 0 && a->row.key.run_id != b->row.key.run_id)
		r = a->row.key.run_id < b->row.key.run_id ? -1 : 1;
	if (r == 0 && a->row.key.sequence != b->row.key.sequence)
		r = a->row.key.sequence < b->row.key.sequence ? -1 : 1;
	return r;
}

static void note_result(struct pf_writer *writer, const struct batch *batch, int r,
			uint64_t took_ns)
{
	struct pf_writer_stats *stats = &writer->stats;

	pthread_mutex_lock(&writer->lock);
	stats->failing = r < 0;
	if (r < 0) {
		stats->nr_failed_commits++;
		(void)snprintf(stats->error, sizeof(stats->error), "%s",
			       writer->ops->error(writer->store));
	} else {
		stats->error[0] = '\0';
		stats->nr_commits++;
		stats->commit_ns += took_ns;
		stats->max_commit_ns = PF_MAX(stats->max_commit_ns, took_ns);
		stats->nr_superseded += batch->nr_superseded;
		stats->body_bytes += batch->new_bytes;
		stats->last_commit_unix_ms = (uint64_t)pf_clock_wall_ns() / PF_NS_PER_MS;
		for (size_t i = 0; i < batch->nr; i++)
			*(batch->how[i] == PF_WRITTEN_NEW ? &stats->nr_new : &stats->nr_known) += 1;
	}
	pthread_mutex_unlock(&writer->lock);
}

static void do_batch(struct pf_writer *writer, struct batch *batch)
{
	uint64_t start_ns = pf_clock_monotonic_ns();
	int r;

	/* In one order everywhere, so that two collectors' transactions do not lock each other
	 * out; and a run's reports rising, so that the last of them supersedes the others. */
	qsort(batch->writes, batch->nr, sizeof(batch->writes[0]), by_key);
	writer->batch++;
	r = write_batch(writer, batch);
	if (r < 0)
		forget_batch(writer);
	note_result(writer, batch, r, pf_clock_monotonic_ns() - start_ns);
	for (size_t i = 0; i < batch->nr; i++) {
		pf_keyset_done(&batch->writes[i]->keys);
		batch->writes[i]->done(batch->writes[i], r, batch->how[i]);
	}
}

/* Waits for something to do. False: nothing is left and it is time to stop. */
static bool take_batch(struct pf_writer *writer, struct batch *batch)
{
	*batch = (struct batch){ .nr = 0 };
	pthread_mutex_lock(&writer->lock);
	while (!writer->first && !writer->stop)
		pthread_cond_wait(&writer->wake, &writer->lock);
	while (writer->first && batch->nr < BATCH_MAX && batch->bytes < BATCH_BYTES) {
		struct pf_write *write = writer->first;

		writer->first = write->next;
		if (!writer->first)
			writer->last = &writer->first;
		batch->writes[batch->nr++] = write;
		batch->bytes += write->row.body_len;
	}
	writer->stats.nr_queued -= batch->nr;
	pthread_mutex_unlock(&writer->lock);
	return batch->nr > 0;
}

static void *run(void *arg)
{
	struct pf_writer *writer = arg;

	while (take_batch(writer, &writer->now))
		do_batch(writer, &writer->now);
	return NULL;
}

/* ---- life cycle ---- */

int pf_writer_new(const struct pf_store_ops *ops, const char *where, struct pf_writer **ret_writer,
		  char *note, size_t note_size, char *error, size_t error_size)
{
	PF_AUTO(pf_writer_freep) struct pf_writer *writer = calloc(1, sizeof(*writer));
	int r;

	if (!writer)
		return -ENOMEM;
	writer->ops = ops;
	writer->last = &writer->first;
	(void)pthread_mutex_init(&writer->lock, NULL); /* cannot fail with default attributes */
	(void)pthread_cond_init(&writer->wake, NULL);
	r = pf_map_new_str(NODES_MAX, &writer->nodes);
	if (r == 0)
		r = ops->open(where, true, &writer->store, note, note_size, error, error_size);
	if (r < 0)
		return r;
	r = -pthread_create(&writer->thread, NULL, run, writer);
	if (r < 0) {
		(void)snprintf(error, error_size, "cannot start the writer's thread: %s",
			       strerror(-r));
		return r;
	}
	writer->started = true;
	*ret_writer = pf_take(writer);
	return 0;
}

void pf_writer_put(struct pf_writer *writer, struct pf_write *write)
{
	write->next = NULL;
	pthread_mutex_lock(&writer->lock);
	*writer->last = write;
	writer->last = &write->next;
	writer->stats.nr_queued++;
	pthread_cond_signal(&writer->wake);
	pthread_mutex_unlock(&writer->lock);
}

void pf_writer_free(struct pf_writer *writer)
{
	struct known_node *node;

	if (!writer)
		return;
	if (writer->started) {
		pthread_mutex_lock(&writer->lock);
		writer->stop = true;
		pthread_cond_signal(&writer->wake);
		pthread_mutex_unlock(&writer->lock);
		(void)pthread_join(writer->thread, NULL);
	}
	if (writer->nodes)
		pf_map_for_each(writer->nodes, cursor, node)
			node_free(node);
	pf_map_free(writer->nodes);
	writer->ops->close(writer->store);
	(void)pthread_mutex_destroy(&writer->lock);
	(void)pthread_cond_destroy(&writer->wake);
	free(writer);
}

void pf_writer_get_stats(struct pf_writer *writer, struct pf_writer_stats *ret_stats)
{
	pthread_mutex_lock(&writer->lock);
	*ret_stats = writer->stats;
	pthread_mutex_unlock(&writer->lock);
}
