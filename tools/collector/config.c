// SPDX-License-Identifier: Apache-2.0
#include "collector/config.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "collector/store/store.h"
#include "policy/options.h"

#define AT(field) offsetof(struct pf_collector_config, field)
#define TIB	  1099511627776.0

static const struct pf_option table[] = {
	{ "config.file", PF_OPTION_TEXT, AT(config_file), "", "PATH",
	  "YAML file with any of these settings" },
	{ "config.check", PF_OPTION_BOOL, AT(config_check), "false", "",
	  "only check the configuration: exit code 0, or 2 with the reason", .flag_only = true },
	{ "web.listen-address", PF_OPTION_TEXT, AT(web_listen_address), "127.0.0.1:9788",
	  "HOST:PORT", "where agents and people reach the collector" },
	{ "web.threads", PF_OPTION_COUNT, AT(web_threads), "2", "N",
	  "threads that take and check reports and answer questions", 1, 64 },
	{ "store", PF_OPTION_TEXT, AT(store), "sqlite:podfit.db", "sqlite:PATH|postgres:CONNINFO",
	  "where everything is kept" },
	{ "retention", PF_OPTION_DURATION, AT(retention_ns), "30d", "TIME",
	  "how long the merged evidence of workloads is kept", 86400, 1e9 },
	{ "retention.reports", PF_OPTION_DURATION, AT(retention_reports_ns), "2d", "TIME",
	  "how long reports are kept as they came; later ones than that are dropped", 7200, 1e8 },
	{ "retention.size", PF_OPTION_BYTES, AT(retention_bytes), "0", "SIZE",
	  "what the database may take; beyond it the oldest goes; 0: no limit", 0, 1024 * TIB },
	{ "auth.token-file", PF_OPTION_TEXT, AT(auth_token_file), "", "PATH",
	  "bearer tokens: lines of TOKEN [read|write|all] [CLUSTER]; read again when it changes" },
	{ "auth.node-from-certificate", PF_OPTION_BOOL, AT(auth_node_from_certificate), "true", "",
	  "a client certificate that names a node may only report for that node" },
	{ "auth.reader-names", PF_OPTION_TEXT, AT(auth_reader_names), "", "NAME,...",
	  "client certificates with these names may read" },
	{ "tls.cert-file", PF_OPTION_TEXT, AT(tls_cert_file), "", "PATH",
	  "serve HTTPS with this certificate chain (PEM); the TLS files are read again when they change" },
	{ "tls.key-file", PF_OPTION_TEXT, AT(tls_key_file), "", "PATH", "its private key (PEM)" },
	{ "tls.client-ca-file", PF_OPTION_TEXT, AT(tls_client_ca_file), "", "PATH",
	  "accept client certificates of these authorities (PEM)" },
	{ "limits.body-size", PF_OPTION_BYTES, AT(limits_body_bytes), "16Mi", "SIZE",
	  "largest report as it is sent", 4096, 1 << 30 },
	{ "limits.inflated-size", PF_OPTION_BYTES, AT(limits_inflated_bytes), "64Mi", "SIZE",
	  "largest report when decompressed", 4096, 1 << 30 },
	{ "limits.decoded-size", PF_OPTION_BYTES, AT(limits_decoded_bytes), "256Mi", "SIZE",
	  "memory that decoding one report may take", 65536, 4294967296.0 },
	{ "limits.pending-size", PF_OPTION_BYTES, AT(limits_pending_bytes), "128Mi", "SIZE",
	  "bodies held at once; beyond it agents are told to come back", 4096, TIB },
	{ "limits.max-nodes", PF_OPTION_COUNT, AT(limits_nodes), "20000", "N",
	  "nodes taken; reports of further ones are refused, but one that has been silent for a day makes "
	  "room",
	  1, 1000000 },
	{ "limits.max-workloads", PF_OPTION_COUNT, AT(limits_workloads), "100000", "N",
	  "containers of workloads merged; further ones are left out and counted", 1, 10000000 },
	{ "limits.max-connections", PF_OPTION_COUNT, AT(limits_connections), "1024", "N",
	  "connections at once; an idle one gives way to a new one", 4, 100000 },
	{ "policy.file", PF_OPTION_TEXT, AT(policy_file), "", "PATH",
	  "YAML file that steers recommendations" },
	{ "merge.node-class-label", PF_OPTION_TEXT, AT(merge_node_class_label),
	  "node.kubernetes.io/instance-type", "LABEL",
	  "node label by which DaemonSets are also sized; empty: not" },
	{ "merge.interval", PF_OPTION_DURATION, AT(merge_interval_ns), "15s", "TIME",
	  "shortest time between two merges of the fleet", 0.2, 3600 },
	{ "log.level", PF_OPTION_CHOICE, AT(log_level), "info", "debug|info|warning|error",
	  "log nothing less important" },
	{ "log.format", PF_OPTION_CHOICE, AT(log_format), "logfmt", "logfmt|json",
	  "of the lines on stderr" },
	{ "version", PF_OPTION_BOOL, AT(version), "false", "", "print the version",
	  .flag_only = true },
	{ "help", PF_OPTION_BOOL, AT(help), "false", "", "this list", .flag_only = true },
};

static const struct pf_options options = { table, PF_ARRAY_SIZE(table) };

/* What no single setting shows. NULL: nothing wrong. */
static const char *contradiction(const struct pf_collector_config *c)
{
	const struct pf_store_ops *ops;
	const char *where;

	if (pf_store_find(c->store, &ops, &where) < 0)
		return "--store: want sqlite:PATH or postgres:CONNINFO";
	if (!*c->tls_cert_file != !*c->tls_key_file)
		return "--tls.cert-file and --tls.key-file go together";
	if (*c->tls_client_ca_file && !*c->tls_cert_file)
		return "--tls.client-ca-file needs --tls.cert-file: client certificates come with "
		       "TLS only";
	if (*c->auth_reader_names && !*c->tls_client_ca_file)
		return "--auth.reader-names needs --tls.client-ca-file";
	if (c->limits_inflated_bytes < c->limits_body_bytes)
		return "--limits.inflated-size is smaller than --limits.body-size";
	if (c->limits_pending_bytes < c->limits_body_bytes)
		return "--limits.pending-size is smaller than --limits.body-size";
	if (c->retention_ns < c->retention_reports_ns)
		return "--retention is shorter than --retention.reports";
	return NULL;
}

int pf_collector_config_load(int argc, char **argv, char **envp,
			     struct pf_collector_config *ret_config,
			     char error[PF_COLLECTOR_ERROR_MAX])
{
	struct pf_collector_config config;
	const char *wrong;
	int r = pf_options_load(&options, argc, argv, envp, &config, sizeof(config), error,
				PF_COLLECTOR_ERROR_MAX);

	if (r < 0)
		return r;
	wrong = contradiction(&config);
	if (wrong) {
		(void)snprintf(error, PF_COLLECTOR_ERROR_MAX, "%s", wrong);
		pf_collector_config_done(&config);
		return -EINVAL;
	}
	*ret_config = config;
	return 0;
}

void pf_collector_config_done(struct pf_collector_config *config)
{
	pf_options_done(&options, config);
}

void pf_collector_config_help(FILE *out)
{
	fprintf(out,
		"usage: podfit-collector [--FLAG=VALUE ...]\n\n"
		"Takes the reports of all nodes, keeps them, merges them by workload, and serves\n"
		"recommendations, reports and a web page.\n"
		"Each flag is also an environment variable (--log.level is PODFIT_LOG_LEVEL) and a key\n"
		"of the file --config.file; flag > environment > file > default.\n\n");
	pf_options_help(&options, out);
	fprintf(out,
		"\nSIGHUP: reads the token file and the TLS files again at once; connections stay. "
		"All other\nsettings and the policy file need a restart. SIGTERM, SIGINT: "
		"stops when everything taken is stored.\n");
	fprintf(out, "\nExit codes: 0 done, 1 failed while running, 2 wrong use or "
		     "configuration.\n");
}
