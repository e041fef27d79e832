// SPDX-License-Identifier: Apache-2.0
/*
 * config.c - the agent's settings as a table; policy/options reads them.
 */
#include "main/config.h"

#include <stddef.h>

#include "core/units.h"
#include "policy/options.h"

#define AT(field) offsetof(struct pf_config, field)

static const struct pf_option table[] = {
	{ "config.file", PF_OPTION_TEXT, AT(config_file), "", "PATH",
	  "YAML file with any of these settings" },
	{ "config.check", PF_OPTION_BOOL, AT(config_check), "false", "",
	  "only check the configuration: exit code 0, or 2 with the reason", .flag_only = true },
	{ "run.duration", PF_OPTION_DURATION, AT(run_duration_ns), "0", "TIME",
	  "stop after so long; 0: run until told to stop", 0, 1e9 },
	{ "capture.source", PF_OPTION_CHOICE, AT(capture_source), "auto",
	  "auto|bpf|cgroupfs|replay",
	  "where samples come from; auto takes bpf, or cgroup files where it cannot" },
	{ "capture.interval", PF_OPTION_DURATION, AT(capture_interval_ns), "10s", "TIME",
	  "between two snapshots of all containers", 0.1, 3600 },
	{ "capture.max-containers", PF_OPTION_COUNT, AT(capture_max_containers), "1024", "N",
	  "containers tracked at once; more are counted as lost", 1, PF_CONTAINERS_MAX },
	{ "capture.cpu-budget", PF_OPTION_RATIO, AT(capture_cpu_budget), "0.01", "CPUS",
	  "most CPU that all BPF programs together may take; above it events are thinned; 0: no "
	  "budget",
	  0, 64 },
	{ "capture.growth-stacks", PF_OPTION_BOOL, AT(capture_growth_stacks), "true", "",
	  "sample page-fault stacks of containers under suspicion of leaking" },
	{ "capture.replay-file", PF_OPTION_TEXT, AT(capture_replay_file), "", "PATH",
	  "recorded samples for capture.source=replay" },
	{ "capture.units", PF_OPTION_BOOL, AT(capture_units), "false", "",
	  "on a node with pods, report systemd units and other cgroups too" },
	{ "cgroup.root", PF_OPTION_TEXT, AT(cgroup_root), "/sys/fs/cgroup", "PATH",
	  "where cgroups are mounted" },
	{ "path.procfs", PF_OPTION_TEXT, AT(path_procfs), "/proc", "PATH",
	  "where proc is mounted" },
	{ "caps.keep", PF_OPTION_TEXT, AT(caps_keep), "", "NAMES",
	  "capabilities not to drop after the start, such as cap_dac_read_search,cap_syslog" },
	{ "cluster.name", PF_OPTION_TEXT, AT(cluster_name), "", "NAME",
	  "name of the cluster in reports" },
	{ "node.name", PF_OPTION_TEXT, AT(node_name), "", "NAME",
	  "name of this node in reports, as the API server knows it; empty: the host's name" },
	{ "pods.source", PF_OPTION_CHOICE, AT(pods_source), "auto", "auto|apiserver|kubelet|none",
	  "who tells the names of pods and what they ask for" },
	{ "pods.labels", PF_OPTION_TEXT, AT(pods_labels), "", "NAMES",
	  "pod labels to carry along, NAME or PREFIX*, separated by commas; empty: the usual ones" },
	{ "pods.annotations", PF_OPTION_TEXT, AT(pods_annotations), "", "NAMES",
	  "the same for annotations" },
	{ "pods.resolve-owners", PF_OPTION_BOOL, AT(pods_resolve_owners), "true", "",
	  "ask the API server for ReplicaSets and Jobs where the pod alone does not tell its workload" },
	{ "pods.hpa", PF_OPTION_BOOL, AT(pods_hpa), "false", "",
	  "ask the API server every 10 minutes which workloads a HorizontalPodAutoscaler scales on "
	  "CPU or memory utilization, so that advice says so" },
	{ "pods.apiserver.url", PF_OPTION_TEXT, AT(apiserver_url), "", "URL",
	  "API server; empty: as Kubernetes tells its pods" },
	{ "pods.apiserver.ca-file", PF_OPTION_TEXT, AT(apiserver_ca_file), "", "PATH",
	  "its authority; empty: the service account's" },
	{ "pods.apiserver.token-file", PF_OPTION_TEXT, AT(apiserver_token_file), "", "PATH",
	  "bearer token; empty: the service account's" },
	{ "pods.kubelet.url", PF_OPTION_TEXT, AT(kubelet_url), "", "URL",
	  "kubelet, such as https://NODE-ADDRESS:10250" },
	{ "pods.kubelet.ca-file", PF_OPTION_TEXT, AT(kubelet_ca_file), "", "PATH",
	  "its authority; empty: the service account's" },
	{ "pods.kubelet.token-file", PF_OPTION_TEXT, AT(kubelet_token_file), "", "PATH",
	  "bearer token; empty: the service account's" },
	{ "pods.kubelet.cert-file", PF_OPTION_TEXT, AT(kubelet_cert_file), "", "PATH",
	  "client certificate, instead of a token" },
	{ "pods.kubelet.key-file", PF_OPTION_TEXT, AT(kubelet_key_file), "", "PATH",
	  "its private key" },
	{ "pods.kubelet.insecure", PF_OPTION_BOOL, AT(kubelet_insecure), "false", "",
	  "do not verify the kubelet's certificate, which is often signed by itself" },
	{ "pods.kubelet.interval", PF_OPTION_DURATION, AT(kubelet_interval_ns), "30s", "TIME",
	  "between two looks; unknown containers make it look sooner", 1, 3600 },
	{ "pods.logs", PF_OPTION_TEXT, AT(pods_logs), "/var/log", "PATH",
	  "where names are guessed from the kubelet's log folders if nobody tells them" },
	{ "export.file", PF_OPTION_TEXT, AT(export_file), "", "PATH",
	  "append every report to this file, as length-delimited protobuf" },
	{ "export.collector.url", PF_OPTION_TEXT, AT(collector_url), "", "URL",
	  "push every report to this podfit-collector, such as https://podfit-collector:9788" },
	{ "export.collector.ca-file", PF_OPTION_TEXT, AT(collector_ca_file), "", "PATH",
	  "the authority of its certificate; empty: the system's" },
	{ "export.collector.token-file", PF_OPTION_TEXT, AT(collector_token_file), "", "PATH",
	  "bearer token, read again for each request" },
	{ "export.collector.cert-file", PF_OPTION_TEXT, AT(collector_cert_file), "", "PATH",
	  "client certificate" },
	{ "export.collector.key-file", PF_OPTION_TEXT, AT(collector_key_file), "", "PATH",
	  "its private key" },
	{ "export.collector.insecure", PF_OPTION_BOOL, AT(collector_insecure), "false", "",
	  "do not verify the collector's certificate" },
	{ "export.collector.timeout", PF_OPTION_DURATION, AT(collector_timeout_ns), "3s", "TIME",
	  "of one push", 0.1, 600 },
	{ "export.spool.max-bytes", PF_OPTION_BYTES, AT(spool_max_bytes), "64Mi", "BYTES",
	  "reports that wait for the collector, in the state directory or else in memory; the oldest "
	  "go first",
	  1 << 16, 1e12 },
	{ "export.otlp.url", PF_OPTION_TEXT, AT(otlp_url), "", "URL",
	  "push metrics to this OTLP receiver (HTTP, protobuf), such as http://otel-collector:4318" },
	{ "export.otlp.ca-file", PF_OPTION_TEXT, AT(otlp_ca_file), "", "PATH",
	  "the authority of its certificate; empty: the system's" },
	{ "export.otlp.token-file", PF_OPTION_TEXT, AT(otlp_token_file), "", "PATH",
	  "bearer token, read again for each request" },
	{ "export.interval", PF_OPTION_DURATION, AT(export_interval_ns), "60s", "TIME",
	  "between two reports, and between two pushes of metrics", 1, 3600 },
	{ "api.socket", PF_OPTION_TEXT, AT(api_socket), "/run/podfit/agent.sock", "PATH",
	  "unix socket of the local API (podfit top, report, ...); empty: none" },
	{ "web.listen-address", PF_OPTION_TEXT, AT(web_listen_address), "", "HOST:PORT",
	  "serve /metrics, /livez, /readyz and /startupz there; empty: off" },
	{ "web.metrics.max-containers", PF_OPTION_COUNT, AT(metrics_max_containers), "500", "N",
	  "containers with series on /metrics and by OTLP: those that use most CPU", 0,
	  PF_CONTAINERS_MAX },
	{ "web.metrics.min-age", PF_OPTION_DURATION, AT(metrics_min_age_ns), "30s", "TIME",
	  "containers younger than this have no series", 0, 86400 },
	{ "policy.file", PF_OPTION_TEXT, AT(policy_file), "", "PATH",
	  "YAML file that steers recommendations; read again on SIGHUP" },
	{ "state.directory", PF_OPTION_TEXT, AT(state_directory), "", "PATH",
	  "directory for what must survive a restart; empty: nothing survives" },
	{ "log.level", PF_OPTION_CHOICE, AT(log_level), "info", "debug|info|warning|error",
	  "log nothing less important" },
	{ "log.format", PF_OPTION_CHOICE, AT(log_format), "logfmt", "logfmt|json",
	  "of the lines on stderr" },
	{ "time.scale", PF_OPTION_RATIO, AT(time_scale), "1", "FACTOR",
	  "fast-forward for tests and demonstrations: analysis time runs so much faster, samples "
	  "are that much closer together",
	  1, 3600 },
	{ "doctor", PF_OPTION_BOOL, AT(doctor), "false", "",
	  "tell what this kernel and these rights allow, signal by signal, and exit",
	  .flag_only = true },
	{ "output", PF_OPTION_CHOICE, AT(doctor_output), "text", "text|json",
	  "of --doctor; also -o", .flag_only = true },
	{ "version", PF_OPTION_BOOL, AT(version), "false", "", "print the version",
	  .flag_only = true },
	{ "help", PF_OPTION_BOOL, AT(help), "false", "", "this list", .flag_only = true },
};

static const struct pf_options options = { table, PF_ARRAY_SIZE(table) };

int pf_config_load(int argc, char **argv, char **envp, struct pf_config *ret_config,
		   char error[PF_CONFIG_ERROR_MAX])
{
	return pf_options_load(&options, argc, argv, envp, ret_config, sizeof(*ret_config), error,
			       PF_CONFIG_ERROR_MAX);
}

void pf_config_done(struct pf_config *config)
{
	pf_options_done(&options, config);
}

void pf_config_help(FILE *out)
{
	fprintf(out,
		"usage: podfit-agent [--FLAG=VALUE ...]\n\n"
		"Measures every container of this host in the kernel and reports what each needs.\n"
		"Each flag is also an environment variable (--log.level is PODFIT_LOG_LEVEL) and a key\n"
		"of the file --config.file; flag > environment > file > default.\n\n");
	pf_options_help(&options, out);
	fprintf(out,
		"\nExit codes: 0 done, 1 failed while running, 2 wrong use or configuration,\n"
		"4 this kernel or these rights do not allow what was asked, 5 input damaged.\n");
}
