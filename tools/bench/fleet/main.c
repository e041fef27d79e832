// SPDX-License-Identifier: Apache-2.0
/*
 * fleet - a fleet of simulated nodes that report to a collector.
 *
 *   fleet --url=http://127.0.0.1:9788 --nodes=1000 --rounds=3      how fast: reports are made first, then sent
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
#include "core/units.h"
#include "sys/clock.h"
#include "wire/wire.h"

enum { REPORT_MAX = 64 << 20, ARENA_MAX = 256 << 20 };

struct settings {
	struct pf_sim_opts sim;
	struct pf_blast_opts blast;
	char host[256], port[8];
	uint64_t nr_rounds, nr_hours, live_s, hour_step_s, round_minutes;
	int level; /* of gzip */
};

struct bodies {
	struct pf_buf *list;
	size_t nr, max;
	uint64_t raw_bytes, bytes;
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

static int make_rounds(const struct settings *s, struct pf_sim *sim, struct bodies *bodies)
{
	uint64_t at_ns = s->sim.start_unix_ns;

	for (uint64_t round = 0; round < s->nr_rounds; round++) {
		at_ns += s->round_minutes * PF_NS_PER_MIN;
		for (uint32_t node = 0; node < s->sim.nr_nodes; node++) {
			int r = pf_sim_advance(sim, node, at_ns);

			if (r == 0)
				r = make_body(s, sim, node, &bodies->list[bodies->nr],
					      &bodies->raw_bytes);
			if (r < 0)
				return r;
			bodies->bytes += bodies->list[bodies->nr++].len;
			pf_sim_taken(sim, node);
		}
	}
	return 0;
}

static void print_rate(const struct settings *s, const struct bodies *bodies,
		       struct pf_blast *blast, uint64_t took_ns)
{
	struct pf_blast_stats stats;
	double seconds = (double)took_ns / 1e9;

	pf_blast_get_stats(blast, &stats);
	printf("%u nodes of %u containers, %llu rounds, %u connections: %.0f reports/s "
	       "(%llu durable in %.2f s)\n",
	       s->sim.nr_nodes, s->sim.nr_containers, (unsigned long long)s->nr_rounds,
	       s->blast.nr_connections, (double)stats.nr_ok / seconds,
	       (unsigned long long)stats.nr_ok, seconds);
	printf("answer after: p50 %.1f ms, p99 %.1f ms, max %.1f ms; refused %llu (last %u), broken "
	       "%llu\n",
	       stats.p50_ms, stats.p99_ms, stats.max_ms, (unsigned long long)stats.nr_refused,
	       stats.last_status, (unsigned long long)stats.nr_broken);
	if (bodies->nr)
		printf("a report: %.1f kB encoded, %.1f kB compressed\n",
		       (double)bodies->raw_bytes / (double)bodies->nr / 1e3,
		       (double)bodies->bytes / (double)bodies->nr / 1e3);
}

static int run_rounds(const struct settings *s, struct pf_sim *sim, struct pf_blast *blast)
{
	struct bodies bodies = { .max = s->sim.nr_nodes * s->nr_rounds };
	uint64_t start_ns;
	int r;

	bodies.list = calloc(bodies.max, sizeof(*bodies.list));
	if (!bodies.list)
		return -ENOMEM;
	r = make_rounds(s, sim, &bodies);
	start_ns = pf_clock_monotonic_ns();
	for (size_t i = 0; i < bodies.nr && r == 0; i++)
		r = pf_blast_send(blast, bodies.list[i].data, bodies.list[i].len);
	if (r == 0)
		r = pf_blast_drain(blast);
	if (r == 0)
		print_rate(s, &bodies, blast, pf_clock_monotonic_ns() - start_ns);
	for (size_t i = 0; i < bodies.nr; i++)
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
		"             [--rounds=N [--round-minutes=N]] [--hours=N [--hour-step=SECONDS]] "
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
	OPT_HOUR_STEP,
	OPT_LIVE,
	OPT_CONNECTIONS,
	OPT_RATE,
	OPT_TOKEN,
	OPT_CLUSTER,
	OPT_SEED,
	OPT_GZIP,
};

static const struct option longopts[] = {
	{ "url", required_argument, NULL, OPT_URL },
	{ "nodes", required_argument, NULL, OPT_NODES },
	{ "containers", required_argument, NULL, OPT_CONTAINERS },
	{ "replicas", required_argument, NULL, OPT_REPLICAS },
	{ "rounds", required_argument, NULL, OPT_ROUNDS },
	{ "round-minutes", required_argument, NULL, OPT_ROUND_MINUTES },
	{ "hours", required_argument, NULL, OPT_HOURS },
	{ "hour-step", required_argument, NULL, OPT_HOUR_STEP },
	{ "live", required_argument, NULL, OPT_LIVE },
	{ "connections", required_argument, NULL, OPT_CONNECTIONS },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "token", required_argument, NULL, OPT_TOKEN },
	{ "cluster", required_argument, NULL, OPT_CLUSTER },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "gzip", required_argument, NULL, OPT_GZIP },
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
	case OPT_HOUR_STEP:
		s->hour_step_s = n;
		break;
	case OPT_LIVE:
		s->live_s = n;
		break;
	case OPT_CONNECTIONS:
		s->blast.nr_connections = (uint32_t)n;
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
	s->sim.step_ns = (s->nr_hours ? s->hour_step_s : 60) * PF_NS_PER_S;
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
		.hour_step_s = 300,
		.level = 6,
	};

	if (!parse(argc, argv, &s)) {
		usage(stderr);
		return 2;
	}
	return run(&s);
}
