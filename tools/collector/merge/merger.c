// SPDX-License-Identifier: Apache-2.0
#include "collector/merge/merger.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "collector/merge/base.h"
#include "collector/merge/build.h"
#include "collector/merge/load.h"
#include "collector/merge/open.h"
#include "collector/merge/seal.h"
#include "core/units.h"
#include "sys/clock.h"

enum {
	/* Reports of the last minutes of an hour get so long to come in before the hour is sealed;
	 * later ones make it be sealed again. */
	SEAL_AFTER_MIN = 15,
	SHARE = 8,		     /* merging takes at most one part in so many of the time */
	IDLE_S = 60,		     /* a merge now and then even if nothing came: time goes on */
	RETRY_S = 5,		     /* after a failure */
	LATE_S = 60,		     /* between two looks for reports of hours that are over */
	CHORES_NS_MIN = 10,	     /* minutes between two looks at what is too old */
	DECODED_REPORTS_OF_NODE = 4, /* memory for a node's reports, in times one report's limit */
};

struct pf_merger {
	struct pf_merger_opts opts;
	char *where, *node_class_label;
	struct pf_store *store;
	struct pf_loader loader;
	struct pf_arena indexes; /* of a node's reports */
	struct pf_vpa_settings settings;
	pthread_t thread;
	bool started;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	bool stop, poked;
	struct pf_fleet *fleet;
	struct pf_merger_stats stats;

	pthread_rwlock_t base_lock; /* written by the thread only */
	struct pf_base base;

	uint64_t serial, next_chores_ns, next_late_ns;
	uint32_t open_from; /* of the merge before */
};

static void log_line(struct pf_merger *m, bool is_problem, const char *line)
{
	if (m->opts.log)
		m->opts.log(m->opts.log_arg, is_problem, line);
}

/* ---- one merge ---- */

static uint32_t first_open_hour(uint64_t now_unix_ns)
{
	return (uint32_t)((now_unix_ns - SEAL_AFTER_MIN * PF_NS_PER_MIN) / PF_NS_PER_HOUR);
}

/* What the reports say of their node, after a restart. A table that is full stays so. */
static void see_node(struct pf_merger *m, const struct pf_report *const *reports, size_t nr,
		     int64_t heard_ms)
{
	pf_arena_reset(&m->indexes);
	for (size_t i = 0; i < nr; i++) {
		struct pf_report_index index;

		if (pf_report_index_of(reports[i], &m->indexes, &index) == 0)
			(void)pf_nodes_seen(m->opts.nodes, &index, heard_ms, false);
	}
}

static int merge_open(struct pf_merger *m, const struct pf_row_list *rows, struct pf_open *open)
{
	for (size_t at = 0; at < rows->nr;) {
		size_t end = pf_row_list_node_end(rows, at), first = at;
		const struct pf_report *const *reports;
		int64_t heard_ms = 0;
		size_t nr;
		int r;

		for (; at < end; at++)
			heard_ms = PF_MAX(heard_ms, rows->rows[at].received_unix_ms);
		r = pf_loader_node(&m->loader, &rows->rows[first], end - first, &reports, &nr);
		if (r < 0)
			return r;
		see_node(m, reports, nr, heard_ms);
		r = pf_open_add_node(open, reports, nr, (uint64_t)heard_ms * PF_NS_PER_MS);
		if (r < 0)
			return r;
	}
	pf_merge_finish(&open->set);
	return 0;
}

static void publish(struct pf_merger *m, struct pf_fleet *fleet)
{
	struct pf_fleet *old;

	pthread_mutex_lock(&m->lock);
	old = m->fleet;
	m->fleet = fleet;
	m->stats.nr_merges++;
	m->stats.last_took_ns = fleet->took_ns;
	m->stats.last_unix_ns = fleet->at_unix_ns;
	m->stats.nr_unreadable = m->loader.nr_unreadable;
	m->stats.failing = false;
	pthread_mutex_unlock(&m->lock);
	pf_fleet_unref(old);
}

static int build(struct pf_merger *m, struct pf_open *open, uint64_t start_ns)
{
	PF_AUTO(pf_freep) struct pf_node_info *nodes = NULL;
	struct pf_build_input input = { .base = &m->base,
					.open = open,
					.policy = m->opts.policy,
					.now_unix_ns = open->now_unix_ns,
					.serial = ++m->serial };
	struct pf_fleet *fleet;
	int r = pf_nodes_list(m->opts.nodes, &nodes, &input.nr_nodes);

	if (r < 0)
		return r;
	input.nodes = nodes;
	r = pf_fleet_build(&input, &fleet);
	if (r < 0)
		return r;
	fleet->took_ns = pf_clock_monotonic_ns() - start_ns;
	publish(m, fleet);
	return 0;
}

static int merge_now(struct pf_merger *m, uint64_t now_unix_ns)
{
	PF_AUTO(pf_row_list_done) struct pf_row_list rows = { 0 };
	PF_AUTO(pf_open_done) struct pf_open open = { 0 };
	uint64_t start_ns = pf_clock_monotonic_ns();
	uint32_t from = first_open_hour(now_unix_ns);
	struct pf_seal_input seal = { .ops = m->opts.store,
				      .store = m->store,
				      .loader = &m->loader,
				      .settings = &m->settings,
				      .node_class_label = m->node_class_label,
				      .max_workloads = m->opts.max_workloads,
				      .base_lock = &m->base_lock,
				      .base = &m->base,
				      .open_from = from,
				      .report_from = from - PF_MIN(from, m->opts.report_hours),
				      .window_from = from - PF_MIN(from, m->opts.retention_hours) };
	uint64_t nr_sealed = 0;
	int r;

	/* With many nodes the keys of two days are a lot to read: now and then, and when an hour
	 * is over. */
	seal.look_for_late = from != m->open_from || start_ns >= m->next_late_ns;
	r = pf_seal(&seal, &nr_sealed);
	if (r == 0 && seal.look_for_late) {
		m->open_from = from;
		m->next_late_ns = pf_clock_monotonic_ns() +
				  PF_MIN(LATE_S * PF_NS_PER_S, m->opts.interval_ns * LATE_S);
	}

	pthread_mutex_lock(&m->lock);
	m->stats.nr_sealed += nr_sealed;
	pthread_mutex_unlock(&m->lock);
	if (r == 0)
		r = pf_row_list_read(m->opts.store, m->store, from, UINT32_MAX, &rows);
	if (r == 0)
		r = pf_open_init(&open, from, now_unix_ns, m->opts.max_workloads, &m->settings,
				 m->node_class_label);
	if (r == 0)
		r = merge_open(m, &rows, &open);
	return r < 0 ? r : build(m, &open, start_ns);
}

/* ---- what is too old ---- */

static int do_chores(struct pf_merger *m, uint64_t now_unix_ns)
{
	struct pf_forget_input forget = {
		.ops = m->opts.store,
		.store = m->store,
		.settings = &m->settings,
		.max_workloads = m->opts.max_workloads,
		.now_hour = (uint32_t)(now_unix_ns / PF_NS_PER_HOUR),
		.report_hours = m->opts.report_hours,
		.retention_hours = m->opts.retention_hours,
		.max_bytes = m->opts.max_store_bytes,
	};
	struct pf_store_size size = { 0 };
	char line[256] = "";
	int r = pf_forget(&forget, &size, line, sizeof(line));

	if (*line)
		log_line(m, false, line);
	if (r < 0)
		return r;
	pthread_mutex_lock(&m->lock);
	m->stats.size = size;
	pthread_mutex_unlock(&m->lock);
	return 0;
}

/* ---- the thread ---- */

static void note_failure(struct pf_merger *m, const char *what, int r)
{
	const char *detail = m->opts.store->error(m->store);
	bool first;

	pthread_mutex_lock(&m->lock);
	first = !m->stats.failing;
	m->stats.nr_failed++;
	m->stats.failing = true;
	(void)snprintf(m->stats.error, sizeof(m->stats.error), "%s: %s", what,
		       r == -ENOMEM ? "out of memory"
		       : *detail    ? detail
				    : strerror(-r));
	pthread_mutex_unlock(&m->lock);
	if (first)
		log_line(m, true, m->stats.error);
}

/* Waits until there is something to do. False: time to stop. */
static bool wait_for_work(struct pf_merger *m, uint64_t not_before_ns, uint64_t until_ns)
{
	bool stop;

	pthread_mutex_lock(&m->lock);
	for (;;) {
		uint64_t now = pf_clock_monotonic_ns();
		uint64_t limit = m->poked && not_before_ns < until_ns ? not_before_ns : until_ns;
		struct timespec ts = { (time_t)(limit / PF_NS_PER_S), (long)(limit % PF_NS_PER_S) };

		if (m->stop || now >= limit)
			break;
		(void)pthread_cond_timedwait(&m->wake, &m->lock, &ts);
	}
	m->poked = false;
	stop = m->stop;
	pthread_mutex_unlock(&m->lock);
	return !stop;
}

/* Return: how long to wait at least before the next merge. */
static uint64_t work(struct pf_merger *m)
{
	uint64_t start_ns = pf_clock_monotonic_ns(), now_unix_ns = (uint64_t)pf_clock_wall_ns();
	int r = merge_now(m, now_unix_ns);

	if (r < 0) {
		note_failure(m, "merging the fleet", r);
		return RETRY_S * PF_NS_PER_S;
	}
	if (start_ns >= m->next_chores_ns) {
		r = do_chores(m, now_unix_ns);
		m->next_chores_ns = start_ns + CHORES_NS_MIN * PF_NS_PER_MIN;
		if (r < 0)
			note_failure(m, "forgetting what is too old", r);
	}
	return PF_MAX(m->opts.interval_ns, (pf_clock_monotonic_ns() - start_ns) * SHARE);
}

static void *run(void *arg)
{
	struct pf_merger *m = arg;
	uint64_t pause_ns = 0, done_ns;

	do {
		done_ns = pf_clock_monotonic_ns();
		if (!wait_for_work(m, done_ns + pause_ns,
				   pause_ns ? done_ns + PF_MAX(pause_ns, IDLE_S * PF_NS_PER_S)
					    : done_ns))
			break;
		pause_ns = work(m);
	} while (true);
	return NULL;
}

/* ---- life cycle and questions ---- */

static int init_locks(struct pf_merger *m)
{
	pthread_condattr_t attr;

	/* Waiting goes by the monotonic clock: a step of the other one must not stop merging. */
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&m->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	(void)pthread_mutex_init(&m->lock, NULL);
	(void)pthread_rwlock_init(&m->base_lock, NULL);
	return 0;
}

int pf_merger_new(const struct pf_merger_opts *opts, struct pf_merger **ret_merger, char *error,
		  size_t error_size)
{
	PF_AUTO(pf_merger_freep) struct pf_merger *m = calloc(1, sizeof(*m));
	char note[256] = "";
	int r;

	if (!m)
		return -ENOMEM;
	m->opts = *opts;
	(void)init_locks(m);
	pf_vpa_settings_default(&m->settings);
	m->where = strdup(opts->where);
	m->node_class_label = strdup(opts->node_class_label);
	if (!m->where || !m->node_class_label)
		return -ENOMEM;
	r = pf_base_init(&m->base, opts->max_workloads, &m->settings);
	if (r == 0)
		r = opts->store->open(m->where, false, &m->store, note, sizeof(note), error,
				      error_size);
	if (r < 0)
		return r;
	pf_loader_init(&m->loader, opts->store, m->store, opts->max_inflated_bytes,
		       opts->max_decoded_bytes * DECODED_REPORTS_OF_NODE);
	pf_arena_init(&m->indexes, opts->max_decoded_bytes);
	r = -pthread_create(&m->thread, NULL, run, m);
	if (r < 0) {
		(void)snprintf(error, error_size, "cannot start the merger's thread: %s",
			       strerror(-r));
		return r;
	}
	m->started = true;
	*ret_merger = pf_take(m);
	return 0;
}

void pf_merger_free(struct pf_merger *m)
{
	if (!m)
		return;
	if (m->started) {
		pthread_mutex_lock(&m->lock);
		m->stop = true;
		pthread_cond_signal(&m->wake);
		pthread_mutex_unlock(&m->lock);
		(void)pthread_join(m->thread, NULL);
	}
	pf_fleet_unref(m->fleet);
	pf_base_done(&m->base);
	pf_loader_done(&m->loader);
	pf_arena_done(&m->indexes);
	m->opts.store->close(m->store);
	free(m->where);
	free(m->node_class_label);
	(void)pthread_mutex_destroy(&m->lock);
	(void)pthread_cond_destroy(&m->wake);
	(void)pthread_rwlock_destroy(&m->base_lock);
	free(m);
}

void pf_merger_poke(struct pf_merger *m)
{
	pthread_mutex_lock(&m->lock);
	m->poked = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

struct pf_fleet *pf_merger_fleet(struct pf_merger *m)
{
	struct pf_fleet *fleet;

	pthread_mutex_lock(&m->lock);
	fleet = m->fleet ? pf_fleet_ref(m->fleet) : NULL;
	pthread_mutex_unlock(&m->lock);
	return fleet;
}

int pf_merger_evidence(struct pf_merger *m, const struct pf_workload_key *key,
		       struct pf_evidence **ret_evidence)
{
	const struct pf_merged *merged;
	int r = -ENOENT;

	(void)pthread_rwlock_rdlock(&m->base_lock);
	merged = pf_merge_find(&m->base.set, key);
	if (merged)
		r = pf_evidence_copy(merged->evidence, ret_evidence);
	(void)pthread_rwlock_unlock(&m->base_lock);
	return r;
}

void pf_merger_get_stats(struct pf_merger *m, struct pf_merger_stats *ret_stats)
{
	pthread_mutex_lock(&m->lock);
	*ret_stats = m->stats;
	pthread_mutex_unlock(&m->lock);
}
