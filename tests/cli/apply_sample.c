// SPDX-License-Identifier: Apache-2.0
/*
 * Writes a report with advice for workloads of several kinds and containers of every type to standard output: what
 * tests/cli/apply.py applies to manifests.
 */
#include "cli/print_report.h"
#include "core/report.h"
#include "core/units.h"

enum { NR_ADVICE = 3 };

/* In the order of the file to apply: requests and limits, a CPU limit that goes, limits left as they are. */
static const struct pf_policy_result results[NR_ADVICE] = {
	{ .policy = "podfit",
	  .cpu = { 250, 200, 300, 250, 700 },
	  .memory = { 300 * PF_MIB, 300 * PF_MIB, 300 * PF_MIB, 300 * PF_MIB, 350 * PF_MIB } },
	{ .policy = "podfit",
	  .cpu = { 2000, 2000, 2000, 2000, PF_NO_LIMIT },
	  .memory = { PF_GIB, PF_GIB, PF_GIB, PF_GIB, PF_UNKNOWN } },
	{ .policy = "podfit",
	  .cpu = { 10, 10, 10, 10, PF_UNKNOWN },
	  .memory = { PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN, PF_UNKNOWN } },
};

static const struct sample {
	enum pf_workload_kind kind;
	const char *workload, *container;
	enum pf_container_type type;
	size_t advice;
} samples[] = {
	{ PF_WORKLOAD_DEPLOYMENT, "web", "app", PF_CONTAINER_MAIN, 0 },
	{ PF_WORKLOAD_DEPLOYMENT, "web", "side", PF_CONTAINER_MAIN, 1 },
	{ PF_WORKLOAD_DEPLOYMENT, "web", "setup", PF_CONTAINER_INIT, 2 },
	{ PF_WORKLOAD_DEPLOYMENT, "web", "proxy", PF_CONTAINER_SIDECAR, 0 },
	{ PF_WORKLOAD_DEPLOYMENT, "web", "debugger", PF_CONTAINER_EPHEMERAL, 0 },
	{ PF_WORKLOAD_STATEFUL_SET, "db", "app", PF_CONTAINER_MAIN, 1 },
	{ PF_WORKLOAD_DAEMON_SET, "logs", "app", PF_CONTAINER_MAIN, 2 },
	{ PF_WORKLOAD_DAEMON_SET, "logs", "setup", PF_CONTAINER_INIT, 0 },
	{ PF_WORKLOAD_CRON_JOB, "backup", "app", PF_CONTAINER_MAIN, 0 },
	{ PF_WORKLOAD_POD, "alone", "app", PF_CONTAINER_MAIN, 0 },
};

enum { NR_SAMPLES = sizeof(samples) / sizeof(samples[0]) };

static void fill(const struct sample *from, struct pf_identity *identity,
		 struct pf_recommendation *rec, struct pf_report_container *to)
{
	*identity = (struct pf_identity){ .type = from->type,
					  .workload_kind = from->kind,
					  .named = true,
					  .spec = { 100, 500, 64 * PF_MIB, 128 * PF_MIB } };
	snprintf(identity->namespace_name, sizeof(identity->namespace_name), "shop");
	snprintf(identity->workload, sizeof(identity->workload), "%s", from->workload);
	snprintf(identity->container, sizeof(identity->container), "%s", from->container);
	pf_recommendation_clear(rec);
	rec->policy = "podfit";
	rec->results = &results[from->advice];
	rec->nr_results = 1;
	pf_report_container_clear(to);
	to->identity = identity;
	to->cgroup_path = to->instance = from->container;
	to->recommendation = rec;
}

int main(void)
{
	static struct pf_identity identities[NR_SAMPLES];
	static struct pf_recommendation recs[NR_SAMPLES];
	static struct pf_report_container containers[NR_SAMPLES];
	struct pf_report report;

	pf_report_clear(&report);
	report.node = "node-1";
	report.end_unix_ns = 1790000000 * (uint64_t)PF_NS_PER_S;
	for (size_t i = 0; i < NR_SAMPLES; i++)
		fill(&samples[i], &identities[i], &recs[i], &containers[i]);
	report.containers = containers;
	report.nr_containers = NR_SAMPLES;
	return print_report(&report);
}
