// SPDX-License-Identifier: Apache-2.0
/*
 * fleet - a fleet of simulated nodes that report to a collector.
 *
 *   fleet --url=http://127.0.0.1:9788 --nodes=1000 --rounds=3      how fast: a round is made first, then sent
 *   fleet --url=... --nodes=1000 --rounds=24 --round-minutes=20 --step=300 --pid=PID    sustained, eight hours
 *   fleet --url=... --nodes=50 --hours=48                          fills a collector with history
 *   fleet --url=... --nodes=50 --hours=48 --live=600               and goes on for 600 s, a report a minute
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/parse.h"
#include "bench/fleet/blast.h"
#include "bench/fleet/sim.h"
#include "bench/fleet/watch.h"
#include "core/units.h"
#include "sys/clock.h"
#include "wire/wire.h"

enum { REPORT_MAX = 64 << 20, ARENA_MAX = 256 << 20 };

struct settings {
	struct pf_sim_opts sim;
	struct pf_blast_opts blast;
	char host[256], port[8];
	uint64_t nr_rounds, nr_hours, live_s, step_s, round_minutes;
	int level;		/* of gzip */
	const char *clock_file; /* told the simulated time before each round; NULL: none */
	int pid;		/* of the collector, whose cost is told beside ours; 0: not known */
};

struct bodies {
	struct pf_buf *list;	       /* a node's each */
	uint64_t nr, raw_bytes, bytes; /* of all rounds */
};

/* What sending has taken, the making of reports left out. */
struct cost {
	uint64_t wall_ns, own_cpu_ns, its_cpu_ns;
	struct pf_watch last;
};

static int compress_to(const struct pf_buf *raw, int level, struct pf_buf *out)
{
	z_stream z = { 0 };
	char *place;
	int r;

	if (deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	r = pf_buf_reserve(out, deflateBound(&z, raw->len), &place);
	if (r == 0) {
		z.next_in = (Bytef *)raw->data;
		z.avail_in = (uInt)raw->len;
		z.next_out = (Bytef *)place;
		z.avail_out = (uInt)deflateBound(&z, raw->len);
		(void)deflate(&z, Z_FINISH); /* fits: that is what the bound is */
		out->len += z.total_out;
	}
	(void)deflateEnd(&z);
	return r;
}

/* The node's report of now, as its agent would send it. */
static int make_body(const struct settings *s, struct pf_sim *sim, uint32_t node,
		     struct pf_buf *out, uint64_t *raw_bytes)
{
	static struct pf_arena arena;
	static struct pf_buf raw;
	struct pf_report report;
	int r;

	arena.max_bytes = ARENA_MAX;
	raw.max_len = REPORT_MAX;
	pf_arena_reset(&arena);
	pf_buf_reset(&raw);
	pf_buf_init(out, REPORT_MAX);
	r = pf_sim_report(sim, node, &arena, &report);
	if (r == 0)
		r = pf_wire_encode_report(&report, &raw);
	if (r == 0)
		r = compress_to(&raw, s->level, out);
	*raw_bytes += raw.len;
	return r;
}

static int make_round(const struct settings *s, struct pf_sim *sim, uint64_t at_ns,
		      struct bodies *bodies)
{
	for (uint32_t node = 0; node < s->sim.nr_nodes; node++) {
		int r = pf_sim_advance(sim, node, at_ns);

		pf_buf_done(&bodies->list[node]);
		if (r == 0)
			r = make_body(s, sim, node, &bodies->list[node], &bodies->raw_bytes);
		if (r < 0)
			return r;
		bodies->bytes += bodies->list[node].len;
		bodies->nr++;
		pf_sim_taken(sim, node);
	}
	return 0;
}

static uint64_t own_cpu_ns(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts); /* cannot fail with a valid clock */
	return (uint64_t)ts.tv_sec * PF_NS_PER_S + (uint64_t)ts.tv_nsec;
}

static int look(const struct settings *s, struct pf_watch *ret_watch)
{
	int r = s->pid ? pf_watch_read(s->pid, ret_watch) : 0;

	if (r < 0)
		fprintf(stderr, "fleet: process %d cannot be looked at\n", s->pid);
	return r;
}

static int send_round(const struct settings *s, struct pf_blast *blast, const struct bodies *bodies,
		      struct cost *cost)
{
	uint64_t start_ns, cpu_ns;
	struct pf_watch before = { 0 };
	int r = look(s, &before);

	cpu_ns = own_cpu_ns();
	start_ns = pf_clock_monotonic_ns();
	for (size_t i = 0; i < s->sim.nr_nodes && r == 0; i++)
		r = pf_blast_send(blast, bodies->list[i].data, bodies->list[i].len);
	if (r == 0)
		r = pf_blast_drain(blast);
	cost->wall_ns += pf_clock_monotonic_ns() - start_ns;
	cost->own_cpu_ns += own_cpu_ns() - cpu_ns;
	if (r == 0)
		r = look(s, &cost->last);
	cost->its_cpu_ns += cost->last.cpu_ns - before.cpu_ns;
	return r;
}

static void print_rate(const struct settings *s, const struct bodies *bodies,
		       struct pf_blast *blast, const struct cost *cost)
{
	struct pf_blast_stats stats;
	double seconds = (double)cost->wall_ns / 1e9, nr;

	pf_blast_get_stats(blast, &stats);
	nr = (double)PF_MAX(stats.nr_ok, (uint64_t)1);
	printf("%u nodes of %u containers, %llu rounds, %u connections: %.0f reports/s "
	       "(%llu durable in %.2f s)\n",
	       s->sim.nr_nodes, s->sim.nr_containers, (unsigned long long)s->nr_rounds,
	       s->blast.nr_connections, (double)stats.nr_ok / seconds,
	       (unsigned long long)stats.nr_ok, seconds);
	printf("answer after: p50 %.1f ms, p99 %.1f ms, max %.1f ms; refused %llu (last %u), broken "
	       "%llu\n",
	       stats.p50_ms, stats.p99_ms, stats.max_ms, (unsigned long long)stats.nr_refused,
	       stats.last_status, (unsigned long long)stats.nr_broken);
	printf("a report: %.1f kB encoded, %.1f kB compressed\n",
	       (double)bodies->raw_bytes / (double)bodies->nr / 1e3,
	       (double)bodies->bytes / (double)bodies->nr / 1e3);
	printf("CPU a report: %.2f ms to send it", (double)cost->own_cpu_ns / nr / 1e6);
	if (s->pid)
		printf(", %.2f ms in the collector, merging included (%.0f MB resident, %.0f at "
		       "most)",
		       (double)cost->its_cpu_ns / nr / 1e6, (double)cost->last.resident_bytes / 1e6,
		       (double)cost->last.peak_bytes / 1e6);
	printf("\n");
}

/* For a collector under libfaketime, which looks at the file again once a second. */
static int tell_time(const struct settings *s, uint64_t unix_ns)
{
	const struct timespec wait = { 1, 200000000 };
	time_t at = (time_t)(unix_ns / PF_NS_PER_S);
	char text[32];
	struct tm tm;
	FILE *file;

	if (!s->clock_file)
		return 0;
	file = fopen(s->clock_file, "we");
	if (!file)
		return -errno;
	(void)gmtime_r(&at, &tm);
	(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S\n", &tm);
	(void)fputs(text, file);
	if (fclose(file))
		return -errno;
	(void)nanosleep(&wait, NULL);
	return 0;
}

static int run_rounds(const struct settings *s, struct pf_sim *sim, struct pf_blast *blast)
{
	struct bodies bodies = { .list = calloc(s->sim.nr_nodes, sizeof(*bodies.list)) };
	uint64_t at_ns = s->sim.start_unix_ns;
	struct cost cost = { 0 };
	int r = 0;

	if (!bodies.list)
		return -ENOMEM;
	for (uint64_t round = 0; round < s->nr_rounds && r == 0; round++) {
		at_ns += s->round_minutes * PF_NS_PER_MIN;
		r = make_round(s, sim, at_ns, &bodies);
		if (r == 0)
			r = tell_time(s, at_ns);
		if (r == 0)
			r = send_round(s, blast, &bodies, &cost);
		if (s->nr_rounds > 1)
			fprintf(stderr, "\rround %llu of %llu", (unsigned long long)round + 1,
				(unsigned long long)s->nr_rounds);
	}
	if (s->nr_rounds > 1)
		fprintf(stderr, "\n");
	if (r == 0)
		print_rate(s, &bodies, blast, &cost);
	for (size_t i = 0; i < s->sim.nr_nodes; i++)
		pf_buf_done(&bodies.list[i]);
	free(bodies.list);
	return r;
}

static int send_now(const struct settings *s, struct pf_sim *sim, uint32_t node,
		    struct pf_blast *blast)
{
	struct pf_buf body;
	uint64_t raw_bytes = 0;
	int r = make_body(s, sim, node, &body, &raw_bytes);

	if (r == 0)
		r = pf_blast_send(blast, body.data, body.len);
	/* One at a time: the body is needed until it is answered. */
	if (r == 0)
		r = pf_blast_drain(blast);
	pf_buf_done(&body);
	if (r == 0)
		pf_sim_taken(sim, node);
	return r;
}

/* Node after node, an hour at a time: just before each full hour, and what there is of the last. */
static int run_hours(const struct settings *s, struct pf_sim *sim, struct pf_blast *blast)
{
	uint64_t end_ns = s->sim.start_unix_ns + s->nr_hours * PF_NS_PER_HOUR;

	for (uint32_t node = 0; node < s->sim.nr_nodes; node++) {
		uint64_t at_ns = s->sim.start_unix_ns;

		while (at_ns < end_ns) {
			uint64_t next_ns = (at_ns / PF_NS_PER_HOUR + 1) * PF_NS_PER_HOUR;
			int r;

			at_ns = PF_MIN(next_ns, end_ns);
			r = pf_sim_advance(sim, node, at_ns);
			if (r == 0)
				r = send_now(s, sim, node, blast);
			if (r < 0)
				return r;
		}
		if (!s->live_s)
			pf_sim_release(sim, node);
		fprintf(stderr, "\rhistory: node %u of %u", node + 1, s->sim.nr_nodes);
	}
	fprintf(stderr, "\n");
	return 0;
}

static int run_live(const struct settings *s, struct pf_sim *sim, struct pf_blast *blast)
{
	uint64_t until_ns = pf_clock_monotonic_ns() + s->live_s * PF_NS_PER_S;

	while (pf_clock_monotonic_ns() < until_ns) {
		for (uint32_t node = 0; node < s->sim.nr_nodes; node++) {
			uint64_t pause_ns = PF_NS_PER_MIN / s->sim.nr_nodes;
			struct timespec ts = { (time_t)(pause_ns / PF_NS_PER_S),
					       (long)(pause_ns % PF_NS_PER_S) };
			int r = pf_sim_advance(sim, node, (uint64_t)pf_clock_wall_ns());

			if (r == 0)
				r = send_now(s, sim, node, blast);
			if (r < 0)
				return r;
			(void)nanosleep(&ts, NULL);
		}
	}
	return 0;
}

static void usage(FILE *out)
{
	fprintf(out,
		"usage: fleet --url=http://HOST:PORT [--nodes=N] [--containers=N] [--replicas=N]\n"
		"             [--rounds=N [--round-minutes=N] [--pid=PID] [--clock-file=FILE]] [--hours=N] [--step=SECONDS] "
		"[--live=SECONDS]\n"
		"             [--connections=N] [--rate=PER_SECOND] [--token=TEXT] [--cluster=NAME]\n"
		"             [--seed=N] [--gzip=LEVEL]\n");
}

static int parse_url(const char *url, struct settings *s)
{
	const char *at = url + strlen("http://"), *colon;

	if (strncmp(url, "http://", strlen("http://")) != 0)
		return -EINVAL;
	colon = strrchr(at, ':');
	if (!colon || (size_t)(colon - at) >= sizeof(s->host))
		return -EINVAL;
	memcpy(s->host, at, (size_t)(colon - at));
	s->host[colon - at] = '\0';
	(void)snprintf(s->port, sizeof(s->port), "%.*s", (int)strcspn(colon + 1, "/"), colon + 1);
	return 0;
}

enum {
	OPT_URL = 1,
	OPT_NODES,
	OPT_CONTAINERS,
	OPT_REPLICAS,
	OPT_ROUNDS,
	OPT_ROUND_MINUTES,
	OPT_HOURS,
	OPT_STEP,
	OPT_LIVE,
	OPT_CONNECTIONS,
	OPT_RATE,
	OPT_TOKEN,
	OPT_CLUSTER,
	OPT_SEED,
	OPT_GZIP,
	OPT_PID,
	OPT_CLOCK_FILE,
};

static const struct option longopts[] = {
	{ "url", required_argument, NULL, OPT_URL },
	{ "nodes", required_argument, NULL, OPT_NODES },
	{ "containers", required_argument, NULL, OPT_CONTAINERS },
	{ "replicas", required_argument, NULL, OPT_REPLICAS },
	{ "rounds", required_argument, NULL, OPT_ROUNDS },
	{ "round-minutes", required_argument, NULL, OPT_ROUND_MINUTES },
	{ "hours", required_argument, NULL, OPT_HOURS },
	{ "step", required_argument, NULL, OPT_STEP },
	{ "live", required_argument, NULL, OPT_LIVE },
	{ "connections", required_argument, NULL, OPT_CONNECTIONS },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "token", required_argument, NULL, OPT_TOKEN },
	{ "cluster", required_argument, NULL, OPT_CLUSTER },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "gzip", required_argument, NULL, OPT_GZIP },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "clock-file", required_argument, NULL, OPT_CLOCK_FILE },
	{ NULL, 0, NULL, 0 },
};

static int set_option(struct settings *s, int which, const char *text)
{
	uint64_t n = 0;
	int r = 0;

	switch (which) {
	case OPT_URL:
		return parse_url(text, s);
	case OPT_TOKEN:
		s->blast.token = text;
		return 0;
	case OPT_CLOCK_FILE:
		s->clock_file = text;
		return 0;
	case OPT_CLUSTER:
		s->sim.cluster = text;
		return 0;
	case OPT_RATE:
		return pf_parse_double(text, &s->blast.max_per_s);
	default:
		r = pf_parse_u64(text, &n);
	}
	if (r < 0 || n > UINT32_MAX)
		return -EINVAL;
	switch (which) {
	case OPT_NODES:
		s->sim.nr_nodes = (uint32_t)n;
		break;
	case OPT_CONTAINERS:
		s->sim.nr_containers = (uint32_t)n;
		break;
	case OPT_REPLICAS:
		s->sim.nr_replicas = (uint32_t)n;
		break;
	case OPT_ROUNDS:
		s->nr_rounds = n;
		break;
	case OPT_ROUND_MINUTES:
		s->round_minutes = n;
		break;
	case OPT_HOURS:
		s->nr_hours = n;
		break;
	case OPT_STEP:
		s->step_s = n;
		break;
	case OPT_LIVE:
		s->live_s = n;
		break;
	case OPT_CONNECTIONS:
		s->blast.nr_connections = (uint32_t)n;
		break;
	case OPT_PID:
		s->pid = (int)PF_MIN(n, (uint64_t)INT32_MAX);
		break;
	case OPT_SEED:
		s->sim.seed = n;
		break;
	default:
		s->level = (int)PF_MIN(n, (uint64_t)9);
	}
	return 0;
}

static bool parse(int argc, char **argv, struct settings *s)
{
	int which;

	while ((which = getopt_long(argc, argv, "", longopts, NULL)) != -1)
		if (which == '?' || set_option(s, which, optarg) < 0)
			return false;
	return optind == argc && s->host[0] && s->sim.nr_nodes && s->sim.nr_containers >= 4 &&
	       s->blast.nr_connections && (s->nr_rounds || s->nr_hours || s->live_s);
}

static int run(struct settings *s)
{
	PF_AUTO(pf_sim_freep) struct pf_sim *sim = NULL;
	PF_AUTO(pf_blast_freep) struct pf_blast *blast = NULL;
	uint64_t now_ns = (uint64_t)pf_clock_wall_ns(), span_ns;
	struct pf_blast_stats stats;
	int r;

	span_ns = s->nr_hours ? s->nr_hours * PF_NS_PER_HOUR
			      : s->nr_rounds * s->round_minutes * PF_NS_PER_MIN;
	s->sim.start_unix_ns = now_ns - span_ns;
	s->sim.step_ns = (s->step_s ? s->step_s : s->nr_hours ? 300 : 60) * PF_NS_PER_S;
	s->blast.host = s->host;
	s->blast.port = s->port;
	s->blast.path = "/v1/reports";
	r = pf_sim_new(&s->sim, &sim);
	if (r == 0)
		r = pf_blast_new(&s->blast, &blast);
	if (r == 0 && s->nr_hours)
		r = run_hours(s, sim, blast);
	if (r == 0 && s->nr_rounds)
		r = run_rounds(s, sim, blast);
	if (r == 0 && s->live_s)
		r = run_live(s, sim, blast);
	if (r < 0) {
		fprintf(stderr, "fleet: %s\n", strerror(-r));
		return 1;
	}
	pf_blast_get_stats(blast, &stats);
	if (stats.nr_refused || stats.nr_broken)
		fprintf(stderr, "fleet: %llu refused (last with %u), %llu broken\n",
			(unsigned long long)stats.nr_refused, stats.last_status,
			(unsigned long long)stats.nr_broken);
	return stats.nr_refused || stats.nr_broken ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct settings s = {
		.sim = { .seed = 1, .cluster = "sim", .nr_nodes = 100, .nr_containers = 100 },
		.blast = { .nr_connections = 16 },
		.round_minutes = 1,
		.level = 6,
	};

	if (!parse(argc, argv, &s)) {
		usage(stderr);
		return 2;
	}
	return run(&s);
}
