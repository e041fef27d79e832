// SPDX-License-Identifier: Apache-2.0
/*
 * metrics.c - GET /metrics: the collector's own state in Prometheus' text format.
 */
#include <inttypes.h>

#include "collector/api/api.h"
#include "collector/api/reply.h"
#include "core/units.h"
#include "report/page_nodes.h"
#include "wire/wire.h"

enum { METRICS_MAX = 1 << 20 };

static void head(struct pf_buf *out, const char *name, const char *type, const char *help)
{
	pf_buf_addf(out, "# HELP podfit_collector_%s %s\n# TYPE podfit_collector_%s %s\n", name,
		    help, name, type);
}

static void gauge(struct pf_buf *out, const char *name, const char *help, double value)
{
	head(out, name, "gauge", help);
	pf_buf_addf(out, "podfit_collector_%s %.17g\n", name, value);
}

static void counter(struct pf_buf *out, const char *name, const char *help, uint64_t value)
{
	head(out, name, "counter", help);
	pf_buf_addf(out, "podfit_collector_%s %" PRIu64 "\n", name, value);
}

static void put_clocks(struct pf_buf *out, struct pf_collector *c)
{
	PF_AUTO(pf_freep) struct pf_node_info *nodes = NULL;
	size_t nr, nr_off = 0;

	if (pf_nodes_list(c->nodes, &nodes, &nr) < 0)
		return; /* left out of this scrape: out of memory */
	for (size_t i = 0; i < nr; i++)
		nr_off += pf_view_clock_is_off(nodes[i].skew_ms);
	gauge(out, "nodes_clock_off",
	      "Nodes whose clock is minutes off ours, or whose reports come late.", (double)nr_off);
}

static void put_reports(struct pf_buf *out, struct pf_collector *c)
{
	head(out, "reports_total", "counter", "Reports by what became of them.");
	for (int i = 0; i < PF_NR_INGEST_RESULTS; i++)
		pf_buf_addf(out, "podfit_collector_reports_total{result=\"%s\"} %" PRIu64 "\n",
			    pf_ingest_result_name(i), pf_ingest_count(c->ingest, i));
	counter(out, "impossible_numbers_total",
		"Numbers that no machine has, met in reports and not used.",
		pf_wire_nr_impossible());
	gauge(out, "nodes", "Nodes that have reported.", (double)pf_nodes_count(c->nodes));
	put_clocks(out, c);
}

static void put_writer(struct pf_buf *out, struct pf_collector *c)
{
	struct pf_writer_stats s;

	pf_writer_get_stats(c->writer, &s);
	gauge(out, "store_up", "1 if the newest transaction was committed.", !s.failing);
	gauge(out, "reports_pending", "Reports that wait for their commit.", (double)s.nr_queued);
	counter(out, "commits_total", "Transactions committed.", s.nr_commits);
	counter(out, "failed_commits_total",
		"Transactions that failed; nothing of them was "
		"acknowledged.",
		s.nr_failed_commits);
	head(out, "commit_seconds_total", "counter", "Time spent in transactions, sync included.");
	pf_buf_addf(out, "podfit_collector_commit_seconds_total %.9g\n",
		    (double)s.commit_ns / (double)PF_NS_PER_S);
	gauge(out, "commit_seconds_max", "Longest transaction since the start.",
	      (double)s.max_commit_ns / (double)PF_NS_PER_S);
	counter(out, "report_bytes_total", "Bytes of reports stored, compressed.", s.body_bytes);
	counter(out, "reports_superseded_total",
		"Stored reports deleted because a newer one says all they said.", s.nr_superseded);
}

static void put_merger(struct pf_buf *out, struct pf_collector *c)
{
	PF_AUTO(pf_fleet_unrefp) struct pf_fleet *fleet = pf_merger_fleet(c->merger);
	struct pf_merger_stats s;

	pf_merger_get_stats(c->merger, &s);
	counter(out, "merges_total", "Pictures of the fleet made.", s.nr_merges);
	counter(out, "failed_merges_total", "Merges that failed; the picture before stays.",
		s.nr_failed);
	counter(out, "sealed_total", "Hours made into summaries.", s.nr_sealed);
	counter(out, "unreadable_total", "Stored reports and summaries that cannot be decoded.",
		s.nr_unreadable);
	gauge(out, "merge_seconds", "Time that the newest merge took.",
	      (double)s.last_took_ns / (double)PF_NS_PER_S);
	gauge(out, "merged_timestamp_seconds", "When the newest picture was made.",
	      (double)s.last_unix_ns / (double)PF_NS_PER_S);
	gauge(out, "store_bytes", "Size of the store, free space left out.", (double)s.size.bytes);
	gauge(out, "store_reports", "Reports stored.", (double)s.size.nr_reports);
	gauge(out, "store_summaries", "Summaries stored.", (double)s.size.nr_summaries);
	if (!fleet)
		return;
	gauge(out, "workloads", "Containers of workloads.", (double)fleet->totals.nr_workloads);
	gauge(out, "instances", "Containers that run.", (double)fleet->totals.nr_instances);
	gauge(out, "leaks", "Workloads with a leak alarm.", (double)fleet->totals.nr_leaks);
	gauge(out, "workloads_left_out", "Merged containers for which the table was full.",
	      (double)fleet->nr_left_out);
}

static void put_http(struct pf_buf *out, struct pf_http_server *server)
{
	struct pf_http_server_stats s;

	pf_http_server_get_stats(server, &s);
	gauge(out, "http_connections", "Open connections.", (double)s.nr_connections);
	gauge(out, "http_body_bytes", "Bodies held.", (double)s.body_bytes);
	counter(out, "http_connections_total", "Connections accepted.", s.nr_accepted);
	counter(out, "http_requests_total", "Requests.", s.nr_requests);
	head(out, "http_refused_total", "counter", "Connections and requests refused, by reason.");
	pf_buf_addf(out,
		    "podfit_collector_http_refused_total{reason=\"connections\"} %" PRIu64 "\n"
		    "podfit_collector_http_refused_total{reason=\"evicted\"} %" PRIu64 "\n"
		    "podfit_collector_http_refused_total{reason=\"body_size\"} %" PRIu64 "\n"
		    "podfit_collector_http_refused_total{reason=\"pending_size\"} %" PRIu64 "\n"
		    "podfit_collector_http_refused_total{reason=\"slow\"} %" PRIu64 "\n",
		    s.nr_refused_connections, s.nr_evicted, s.nr_refused_bodies,
		    s.nr_refused_budget, s.nr_refused_slow);
}

void pf_api_metrics(struct pf_collector *c, struct pf_http_request *req)
{
	struct pf_buf out;

	pf_buf_init(&out, METRICS_MAX);
	head(&out, "build_info", "gauge", "1, with the version as a label.");
	pf_buf_adds(&out, "podfit_collector_build_info{version=\"" PF_VERSION "\"} 1\n");
	put_reports(&out, c);
	put_writer(&out, c);
	put_merger(&out, c);
	put_http(&out, pf_http_server_of(req)); /* c->server is set only after it serves */
	pf_reply_buf(req, "text/plain; version=0.0.4; charset=utf-8", &out);
}
