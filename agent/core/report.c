// SPDX-License-Identifier: Apache-2.0
#include "core/report.h"

#include <math.h>
#include <string.h>

void pf_report_clear(struct pf_report *report)
{
	*report = (struct pf_report){
		.schema_major = PF_SCHEMA_MAJOR,
		.schema_minor = PF_SCHEMA_MINOR,
		.cluster = "",
		.node = "",
		.boot_id = "",
		.agent_version = "",
		.kernel_release = "",
		.memory_total_bytes = PF_UNKNOWN,
		.cpu_allocatable_millicores = PF_UNKNOWN,
		.memory_allocatable_bytes = PF_UNKNOWN,
		.capture_source = "",
		.cgroup_layout = "",
		.meta_source = "",
		.time_scale = 1,
		.cost_wall_ns = PF_UNKNOWN,
	};
	pf_self_cost_clear(&report->cost);
}

void pf_report_now_clear(struct pf_report_now *now)
{
	memset(now, 0xff, sizeof(*now)); /* PF_UNKNOWN is all ones */
	now->hot_trend_bytes_per_hour = NAN;
}

void pf_report_container_clear(struct pf_report_container *container)
{
	*container = (struct pf_report_container){
		.cgroup_path = "",
		.runtime = "",
		.instance = "",
		.first_seen_unix_ns = PF_UNKNOWN,
		.ended_unix_ns = PF_UNKNOWN,
		.runtime_kind = "",
		.executable = "",
	};
	memset(&container->enforced, 0xff, sizeof(container->enforced));
	container->enforced.note = NULL;
	pf_report_now_clear(&container->now);
}

void pf_report_oom_clear(struct pf_report_oom *kill)
{
	memset(kill, 0xff, sizeof(*kill));
	kill->container_id = kill->namespace_name = kill->pod = kill->container = "";
	kill->workload = kill->comm = "";
	kill->workload_kind = PF_WORKLOAD_UNKNOWN;
	kill->pid = 0;
	kill->whole_node = false;
	kill->growth_bytes_per_second = NAN;
}
