// SPDX-License-Identifier: Apache-2.0
#include "main/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include "base/json.h"
#include "capture/source.h"
#include "main/agent.h"
#include "meta/cgroup_path.h"
#include "meta/meta.h"
#include "policy/policy.h"

enum { CHECKS_MAX = 32 };

struct tried_source {
	const char *name;
	bool works;
	char reason[400];
	struct pf_signal_state signals[PF_NR_SIGNALS];
	unsigned nr_cgroups;
};

struct findings {
	struct pf_node node;
	char caps[512];
	struct tried_source sources[2];	 /* best first */
	const struct tried_source *best; /* NULL: none works */
	struct pf_meta_check checks[CHECKS_MAX];
	size_t nr_checks;
	const char *cgroup_root;
	char cgroup_problem[256];
	const char *policy_file;  /* "": none is set */
	char policy_problem[400]; /* "": it can be read and is valid */
};

static void on_appeared(void *arg, const struct pf_cgroup *cgroup)
{
	struct tried_source *source = arg;

	(void)cgroup;
	source->nr_cgroups++;
}

static void on_sampled(void *arg, const struct pf_sample *sample)
{
	(void)arg;
	(void)sample;
}

static void on_vanished(void *arg, uint64_t handle)
{
	(void)arg;
	(void)handle;
}

static void on_oom_killed(void *arg, const struct pf_oom_kill *kill)
{
	(void)arg;
	(void)kill;
}

static void try_source(const struct pf_config *config, struct pf_cgroup_rules *rules,
		       struct tried_source *source)
{
	const struct pf_capture_ops *ops = pf_capture_find(source->name);
	const struct pf_capture_opts opts = {
		.cgroup_root = config->cgroup_root,
		.proc_root = config->path_procfs,
		.max_containers = (uint32_t)config->capture_max_containers,
		.interval_ns = config->capture_interval_ns,
		.growth_stacks = config->capture_growth_stacks,
		.cpu_budget_ratio = config->capture_cpu_budget,
		.classify = pf_cgroup_classify,
		.classify_arg = rules,
		.sink = { source, on_appeared, on_sampled, on_vanished, on_oom_killed },
	};
	struct pf_capture *capture;

	if (!ops) {
		(void)snprintf(source->reason, sizeof(source->reason), "not in this build");
		return;
	}
	if (ops->open(&opts, &capture, source->reason, sizeof(source->reason)) < 0)
		return;
	source->works = true;
	memcpy(source->signals, ops->signals(capture), sizeof(source->signals));
	ops->close(capture);
}

static void read_caps(char *text, size_t size)
{
	cap_t caps = cap_get_proc();
	char *words = caps ? cap_to_text(caps, NULL) : NULL;

	(void)snprintf(text, size, "%s", words && words[0] ? words : "none"); /* cut if longer */
	if (words)
		(void)cap_free(words);
	if (caps)
		(void)cap_free(caps);
}

static void examine_meta(const struct pf_config *config, struct findings *findings)
{
	struct pf_agent_lists lists;
	struct pf_meta_opts opts;

	if (pf_agent_meta_options(config, findings->node.name, &lists, &opts) == 0)
		findings->nr_checks = pf_meta_doctor(&opts, findings->checks, CHECKS_MAX);
	pf_agent_lists_done(&lists);
}

static void examine_policy(const struct pf_config *config, struct findings *findings)
{
	struct pf_policy *policy = NULL;

	findings->policy_file = config->policy_file;
	if (config->policy_file[0] &&
	    pf_policy_load(config->policy_file, &policy, findings->policy_problem,
			   sizeof(findings->policy_problem)) < 0)
		return; /* what it wrote there is the finding */
	pf_policy_free(policy);
}

static void examine(const struct pf_config *config, struct findings *findings)
{
	struct pf_cgroup_rules rules = { .units_with_pods = config->capture_units };
	int r = pf_node_read(config->node_name, config->path_procfs, &findings->node);

	if (r < 0)
		(void)snprintf(findings->node.name, sizeof(findings->node.name), "?");
	read_caps(findings->caps, sizeof(findings->caps));
	findings->cgroup_root = config->cgroup_root;
	r = pf_cgroup_rules_detect(&rules, config->cgroup_root);
	if (r < 0)
		(void)snprintf(findings->cgroup_problem, sizeof(findings->cgroup_problem),
			       "%s; mount the host's cgroups there, or tell where they are with "
			       "--cgroup.root",
			       strerror(-r));
	findings->sources[0].name = "bpf";
	findings->sources[1].name = "cgroupfs";
	for (size_t i = 0; i < PF_ARRAY_SIZE(findings->sources); i++) {
		try_source(config, &rules, &findings->sources[i]);
		if (!findings->best && findings->sources[i].works)
			findings->best = &findings->sources[i];
	}
	examine_policy(config, findings);
	examine_meta(config, findings);
}

static const char *verdict_name(enum pf_meta_verdict verdict)
{
	static const char *const names[] = { "ok", "warning", "failed" };

	return names[verdict];
}

static void print_text(const struct findings *findings)
{
	printf("host      %s, kernel %s, %u CPUs\n", findings->node.name,
	       findings->node.kernel_release, findings->node.nr_cpus);
	printf("rights    uid %u, capabilities %s\n", (unsigned)geteuid(), findings->caps);
	printf("cgroups   %s%s%s\n", findings->cgroup_root, findings->cgroup_problem[0] ? ": " : "",
	       findings->cgroup_problem);
	if (findings->policy_problem[0])
		printf("policy    failed: %s\n", findings->policy_problem);
	else
		printf("policy    %s\n",
		       findings->policy_file[0] ? findings->policy_file : "the defaults");
	for (size_t i = 0; i < PF_ARRAY_SIZE(findings->sources); i++)
		printf("source    %-10s %s%s\n", findings->sources[i].name,
		       findings->sources[i].works ? "works" : "no: ", findings->sources[i].reason);
	printf("\n");
	for (size_t i = 0; findings->best && i < PF_NR_SIGNALS; i++)
		printf("signal    %-16s %-4s %s\n", pf_signal_name(i),
		       findings->best->signals[i].on ? "on" : "OFF",
		       findings->best->signals[i].reason);
	if (findings->nr_checks)
		printf("\n");
	for (size_t i = 0; i < findings->nr_checks; i++)
		printf("names     %-24s %-8s %s\n", findings->checks[i].name,
		       verdict_name(findings->checks[i].verdict), findings->checks[i].text);
	if (!findings->best)
		printf("podfit cannot measure here: no source works\n");
}

static void json_pair(struct pf_buf *out, const char *name, const char *value, const char *end)
{
	pf_json_string(out, name);
	(void)pf_buf_adds(out, ":");
	pf_json_string(out, value);
	(void)pf_buf_adds(out, end);
}

static void json_sources(struct pf_buf *out, const struct findings *findings)
{
	(void)pf_buf_adds(out, "\"sources\":[");
	for (size_t i = 0; i < PF_ARRAY_SIZE(findings->sources); i++) {
		const struct tried_source *source = &findings->sources[i];

		(void)pf_buf_adds(out, i ? ",{" : "{");
		json_pair(out, "name", source->name, ",");
		(void)pf_buf_addf(out, "\"works\":%s", source->works ? "true" : "false");
		if (!source->works) {
			(void)pf_buf_adds(out, ",");
			json_pair(out, "reason", source->reason, "");
		}
		(void)pf_buf_adds(out, "}");
	}
	(void)pf_buf_adds(out, "]");
}

static void json_signals(struct pf_buf *out, const struct findings *findings)
{
	(void)pf_buf_adds(out, ",\"signals\":[");
	for (size_t i = 0; findings->best && i < PF_NR_SIGNALS; i++) {
		const struct pf_signal_state *state = &findings->best->signals[i];

		(void)pf_buf_adds(out, i ? ",{" : "{");
		json_pair(out, "name", pf_signal_name(i), ",");
		(void)pf_buf_addf(out, "\"on\":%s", state->on ? "true" : "false");
		if (!state->on) {
			(void)pf_buf_adds(out, ",");
			json_pair(out, "reason", state->reason, "");
		}
		(void)pf_buf_adds(out, "}");
	}
	(void)pf_buf_adds(out, "]");
}

static void json_checks(struct pf_buf *out, const struct findings *findings)
{
	(void)pf_buf_adds(out, ",\"checks\":[");
	for (size_t i = 0; i < findings->nr_checks; i++) {
		const struct pf_meta_check *check = &findings->checks[i];

		(void)pf_buf_adds(out, i ? ",{" : "{");
		json_pair(out, "name", check->name, ",");
		json_pair(out, "verdict", verdict_name(check->verdict), ",");
		json_pair(out, "text", check->text, "}");
	}
	(void)pf_buf_adds(out, "]");
}

static int print_json(const struct findings *findings)
{
	struct pf_buf out;
	int r;

	pf_buf_init(&out, 1 << 20);
	(void)pf_buf_adds(&out, "{");
	json_pair(&out, "host", findings->node.name, ",");
	json_pair(&out, "kernel_release", findings->node.kernel_release, ",");
	json_pair(&out, "capabilities", findings->caps, ",");
	json_pair(&out, "cgroup_root", findings->cgroup_root, ",");
	if (findings->cgroup_problem[0])
		json_pair(&out, "cgroup_problem", findings->cgroup_problem, ",");
	if (findings->policy_file[0])
		json_pair(&out, "policy_file", findings->policy_file, ",");
	if (findings->policy_problem[0])
		json_pair(&out, "policy_problem", findings->policy_problem, ",");
	if (findings->best)
		json_pair(&out, "source", findings->best->name, ",");
	json_sources(&out, findings);
	json_signals(&out, findings);
	json_checks(&out, findings);
	(void)pf_buf_adds(&out, "}\n");
	r = out.err;
	if (r == 0)
		(void)fwrite(out.data, 1, out.len, stdout); /* the caller flushes */
	pf_buf_done(&out);
	return r;
}

int pf_doctor_run(const struct pf_config *config)
{
	static struct findings findings; /* large, and used once */

	examine(config, &findings);
	if (!strcmp(config->doctor_output, "json")) {
		if (print_json(&findings) < 0)
			return 1;
	} else {
		print_text(&findings);
	}
	if (fflush(stdout) == EOF)
		return 1;
	if (!findings.best)
		return 4;
	return findings.policy_problem[0] ? 2 : 0;
}
