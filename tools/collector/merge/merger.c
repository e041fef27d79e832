// SPDX-License-Identifier: Apache-2.0
#include "collector/merge/merger.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "collector/merge/base.h"
#include "collector/merge/picture.h"
#include "collector/merge/seal.h"
#include "core/units.h"
#include "sys/clock.h"

enum {
	/* Reports of the last minutes of an hour get so long to come in before the hour is sealed;
	 * later ones make it be sealed again. */
	SEAL_AFTER_MIN = 15,
	SHARE = 4,		     /* merging takes at most one part in so many of a CPU */
	IDLE_S = 60,		     /* a merge now and then even if nothing came: time goes on */
	IDLE_SHARE = 32,	     /* but not more than one part in so many */
	FIRST_S = 1,		     /* at most between merges while the picture is empty */
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
	struct pf_vpa_settings settings;
	pthread_t thread;
	bool started;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	bool stop, poked;
	struct pf_fleet *fleet;
	struct pf_merger_stats stats;

	struct pf_base base; /* the thread's own */

	uint64_t serial, next_chores_ns, next_late_ns;
	uint32_t open_from; /* of the merge before */
	uint32_t nr_parts;  /* of the next picture */
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

static int make_picture(struct pf_merger *m, uint32_t from, uint64_t now_unix_ns, uint64_t start_ns)
{
	struct pf_picture_input input = { .ops = m->opts.store,
					  .store = m->store,
					  .loader = &m->loader,
					  .nodes = m->opts.nodes,
					  .base = &m->base,
					  .policy = m->opts.policy,
					  .settings = &m->settings,
					  .node_class_label = m->node_class_label,
					  .max_workloads = m->opts.max_workloads,
					  .from = from,
					  .now_unix_ns = now_unix_ns };
	struct pf_fleet *fleet;
	int r = pf_picture_make(&input, &m->nr_parts, &fleet);

	if (r < 0)
		return r;
	fleet->serial = ++m->serial;
	fleet->took_ns = pf_clock_monotonic_ns() - start_ns;
	publish(m, fleet);
	return 0;
}

/* Before the first picture: as many parts as the summaries of an hour want. */
static uint32_t first_parts(struct pf_merger *m)
{
	PF_AUTO(pf_seal_list_done) struct pf_seal_list seals = { 0 };
	struct pf_store_size size;

	if (m->opts.store->size(m->store, &size) < 0 ||
	    pf_seal_list_read(m->opts.store, m->store, &seals) < 0 || !seals.nr)
		return 1; /* a store that fails is told of when it is read in earnest */
	return (uint32_t)PF_MIN(size.nr_summaries / seals.nr / PF_MERGE_DENSE_MAX + 1,
				(uint64_t)PF_MERGE_PARTS_MAX);
}

static int merge_now(struct pf_merger *m, uint64_t now_unix_ns)
{
	uint64_t start_ns = pf_clock_monotonic_ns();
	uint32_t now_hour = (uint32_t)(now_unix_ns / PF_NS_PER_HOUR);
	uint32_t from = first_open_hour(now_unix_ns);
	struct pf_seal_input seal = { .ops = m->opts.store,
				      .store = m->store,
				      .loader = &m->loader,
				      .settings = &m->settings,
				      .node_class_label = m->node_class_label,
				      .max_workloads = m->opts.max_workloads,
				      .base = &m->base,
				      .nr_parts = m->nr_parts,
				      .open_from = from,
				      .now_hour = now_hour,
				      .report_hours = m->opts.report_hours,
				      .window_from = from - PF_MIN(from, m->opts.retention_hours) };
	uint64_t nr_sealed = 0;
	int r;

	if (!m->nr_parts)
		seal.nr_parts = m->nr_parts = first_parts(m);
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
	return r < 0 ? r : make_picture(m, from, now_unix_ns, start_ns);
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
		.nr_parts = m->nr_parts,
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

/* Of this thread: on a busy machine a merge takes longer, but no more of it. */
static uint64_t own_cpu_ns(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts); /* cannot fail with a valid clock */
	return (uint64_t)ts.tv_sec * PF_NS_PER_S + (uint64_t)ts.tv_nsec;
}

struct pause {
	uint64_t least_ns, idle_ns; /* if something came, and if nothing did */
};

/* Whoever has just started a collector is waiting for its first picture. */
static uint64_t least_pause(struct pf_merger *m)
{
	bool is_empty = !m->fleet || !m->fleet->nr_workloads; /* only this thread writes it */

	return is_empty ? PF_MIN(m->opts.interval_ns, FIRST_S * PF_NS_PER_S) : m->opts.interval_ns;
}

static struct pause work(struct pf_merger *m)
{
	uint64_t start_ns = pf_clock_monotonic_ns(), cpu_ns = own_cpu_ns(),
		 now_unix_ns = (uint64_t)pf_clock_wall_ns();
	int r = merge_now(m, now_unix_ns);

	if (r < 0) {
		note_failure(m, "merging the fleet", r);
		return (struct pause){ RETRY_S * PF_NS_PER_S, RETRY_S * PF_NS_PER_S };
	}
	if (start_ns >= m->next_chores_ns) {
		r = do_chores(m, now_unix_ns);
		m->next_chores_ns = start_ns + CHORES_NS_MIN * PF_NS_PER_MIN;
		if (r < 0)
			note_failure(m, "forgetting what is too old", r);
	}
	cpu_ns = own_cpu_ns() - cpu_ns;
	return (struct pause){ PF_MAX(least_pause(m), cpu_ns * (SHARE - 1)),
			       PF_MAX(IDLE_S * PF_NS_PER_S, cpu_ns * IDLE_SHARE) };
}

static void *run(void *arg)
{
	struct pf_merger *m = arg;
	struct pause pause = { 0, 0 };
	uint64_t done_ns;

	do {
		done_ns = pf_clock_monotonic_ns();
		if (!wait_for_work(m, done_ns + pause.least_ns,
				   done_ns + PF_MAX(pause.least_ns, pause.idle_ns)))
			break;
		pause = work(m);
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
	m->opts.store->close(m->store);
	free(m->where);
	free(m->node_class_label);
	(void)pthread_mutex_destroy(&m->lock);
	(void)pthread_cond_destroy(&m->wake);
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

void pf_merger_get_stats(struct pf_merger *m, struct pf_merger_stats *ret_stats)
{
	pthread_mutex_lock(&m->lock);
	*ret_stats = m->stats;
	pthread_mutex_unlock(&m->lock);
}
