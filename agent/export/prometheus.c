// SPDX-License-Identifier: Apache-2.0
#include "export/prometheus.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/utf8.h"

struct writer {
	struct pf_buf *out;
	const struct pf_metrics *metrics;
};

/* One byte that is not UTF-8 makes Prometheus refuse the whole page; each is shown as \xNN, so that
 * names which differ stay different. */
static void label(struct pf_buf *out, const char *name, const char *value, const char *before)
{
	size_t left = strlen(value), n;

	(void)pf_buf_addf(out, "%s%s=\"", before, name);
	for (; left; value += n, left -= n) {
		n = pf_utf8_len(value, left);
		if (!n) {
			(void)pf_buf_addf(out, "\\\\x%02x", (unsigned char)*value);
			n = 1;
		} else if (*value == '\\' || *value == '"') {
			(void)pf_buf_addf(out, "\\%c", *value);
		} else if (*value == '\n') {
			(void)pf_buf_adds(out, "\\n");
		} else {
			(void)pf_buf_add(out, value, n);
		}
	}
	(void)pf_buf_adds(out, "\"");
}

static void head(struct pf_buf *out, const char *name, const char *type, const char *help)
{
	(void)pf_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static const char *type_of(const struct pf_metric *metric)
{
	return metric->counter ? "counter" : "gauge";
}

static void labels(const struct writer *writer, const struct pf_report_container *container)
{
	const struct pf_identity *id = container->identity;

	label(writer->out, "namespace", id->namespace_name, "{");
	label(writer->out, "pod", id->pod, ",");
	label(writer->out, "container", id->container, ",");
	label(writer->out, "node", writer->metrics->report->node, ",");
	label(writer->out, "workload", id->workload, ",");
	label(writer->out, "workload_kind", pf_workload_kind_name(id->workload_kind), ",");
}

/* A family without a sample is not begun. */
static void family(const struct writer *writer, const struct pf_metric *metric)
{
	const struct pf_metrics *metrics = writer->metrics;
	bool started = false;

	for (size_t i = 0; i < metrics->nr; i++) {
		double number = pf_container_metric(&metrics->containers[i], metric);

		if (isnan(number))
			continue;
		if (!started)
			head(writer->out, metric->name, type_of(metric), metric->help);
		started = true;
		(void)pf_buf_adds(writer->out, metric->name);
		labels(writer, metrics->containers[i].container);
		(void)pf_buf_addf(writer->out, "} %.15g\n", number);
	}
}

static void latency_line(const struct writer *writer, const struct pf_metrics_container *c,
			 const char *suffix)
{
	(void)pf_buf_addf(writer->out, "%s%s", PF_METRIC_LATENCY, suffix);
	labels(writer, c->container);
}

static void latency(const struct writer *writer)
{
	const struct pf_metrics *metrics = writer->metrics;
	bool started = false;

	for (size_t i = 0; i < metrics->nr; i++) {
		const struct pf_metrics_container *c = &metrics->containers[i];
		uint64_t counts[PF_METRIC_LATENCY_BOUNDS + 1], below = 0;
		double sum_s;

		if (!pf_metrics_latency(c, counts, &sum_s))
			continue;
		if (!started)
			head(writer->out, PF_METRIC_LATENCY, "histogram", PF_METRIC_LATENCY_HELP);
		started = true;
		for (size_t b = 0; b < PF_METRIC_LATENCY_BOUNDS; b++) {
			below += counts[b];
			latency_line(writer, c, "_bucket");
			(void)pf_buf_addf(writer->out, ",le=\"%.9g\"} %" PRIu64 "\n",
					  pf_metrics_latency_bound(b), below);
		}
		below += counts[PF_METRIC_LATENCY_BOUNDS];
		latency_line(writer, c, "_bucket");
		(void)pf_buf_addf(writer->out, ",le=\"+Inf\"} %" PRIu64 "\n", below);
		latency_line(writer, c, "_sum");
		(void)pf_buf_addf(writer->out, "} %.9g\n", sum_s);
		latency_line(writer, c, "_count");
		(void)pf_buf_addf(writer->out, "} %" PRIu64 "\n", below);
	}
}

static void agent(const struct writer *writer)
{
	const struct pf_report *report = writer->metrics->report;
	struct pf_buf *out = writer->out;

	head(out, "podfit_agent_build_info", "gauge", "Version of this agent.");
	(void)pf_buf_adds(out, "podfit_agent_build_info");
	label(out, "version", report->agent_version, "{");
	label(out, "capture_source", report->capture_source, ",");
	(void)pf_buf_adds(out, "} 1\n");
	for (size_t i = 0; i < pf_nr_agent_metrics; i++) {
		const struct pf_metric *metric = &pf_agent_metrics[i];
		double value = pf_agent_metric(writer->metrics, metric);

		if (isnan(value))
			continue;
		head(out, metric->name, type_of(metric), metric->help);
		(void)pf_buf_addf(out, "%s %.15g\n", metric->name, value);
	}
	head(out, PF_METRIC_LOST, "counter", PF_METRIC_LOST_HELP);
	for (size_t i = 0; i < report->nr_losses; i++) {
		(void)pf_buf_adds(out, PF_METRIC_LOST);
		label(out, "reason", report->losses[i].reason, "{");
		(void)pf_buf_addf(out, "} %" PRIu64 "\n", report->losses[i].count);
	}
	head(out, PF_METRIC_SIGNAL, "gauge", PF_METRIC_SIGNAL_HELP);
	for (size_t i = 0; i < report->nr_signals; i++) {
		(void)pf_buf_adds(out, PF_METRIC_SIGNAL);
		label(out, "signal", report->signals[i].name, "{");
		(void)pf_buf_addf(out, "} %d\n", report->signals[i].on);
	}
}

int pf_prometheus_write(const struct pf_metrics *metrics, struct pf_buf *out)
{
	const struct writer writer = { out, metrics };

	agent(&writer);
	for (size_t i = 0; i < pf_nr_container_metrics; i++)
		family(&writer, &pf_container_metrics[i]);
	latency(&writer);
	return out->err;
}
