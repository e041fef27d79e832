// SPDX-License-Identifier: Apache-2.0
/*
 * Wiring: what is started in which order, and the main thread, which only waits for signals and does
 * the slow chores.
 */
#include "collector/collector.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

#include "collector/api/api.h"
#include "core/units.h"
#include "sys/clock.h"
#include "sys/log.h"

enum {
	DRAIN_MS = 10000, /* for requests in progress when it is time to stop */
	CHORE_NS = 1000000000,
	READING_WAITING_MAX = 4, /* of a second or two each */
};

static int start_auth(struct pf_collector *c, char *error)
{
	const struct pf_collector_config *config = c->config;
	struct pf_auth_opts opts = {
		.token_file = config->auth_token_file,
		.client_certificates = *config->tls_client_ca_file != '\0',
		.node_from_certificate = config->auth_node_from_certificate,
		.reader_names = config->auth_reader_names,
	};

	return pf_auth_new(&opts, &c->auth, error, PF_COLLECTOR_ERROR_MAX);
}

static void on_stored(void *arg)
{
	struct pf_collector *c = arg;
	unsigned long long now_ns = (unsigned long long)pf_clock_wall_ns(), none = 0;

	(void)atomic_compare_exchange_strong(&c->first_stored_ns, &none, now_ns);
	atomic_store(&c->newest_stored_ns, now_ns);
	pf_merger_poke(c->merger);
}

static void log_merger(void *arg, bool is_problem, const char *line)
{
	(void)arg;
	pf_log(is_problem ? PF_LOG_WARNING : PF_LOG_INFO, "merge", "%s", line);
}

static int start_merger(struct pf_collector *c, char *error)
{
	const struct pf_collector_config *config = c->config;
	struct pf_merger_opts opts = {
		.store = c->store,
		.where = c->store_where,
		.nodes = c->nodes,
		.node_class_label = config->merge_node_class_label,
		.interval_ns = config->merge_interval_ns,
		.retention_hours = (uint32_t)(config->retention_ns / PF_NS_PER_HOUR),
		.report_hours = (uint32_t)(config->retention_reports_ns / PF_NS_PER_HOUR),
		.max_store_bytes = config->retention_bytes,
		.max_workloads = config->limits_workloads,
		.max_inflated_bytes = config->limits_inflated_bytes,
		.max_decoded_bytes = config->limits_decoded_bytes,
		.log = log_merger,
	};
	int r = 0;

	if (*config->policy_file)
		r = pf_policy_load(config->policy_file, &c->policy, error, PF_COLLECTOR_ERROR_MAX);
	if (r < 0)
		return -EINVAL;
	opts.policy = c->policy;
	r = pf_readers_new(c->store, c->store_where, &c->readers);
	if (r == 0) /* the server bounds what waits */
		r = pf_pool_new((unsigned)config->web_threads, UINT_MAX, &c->pool);
	if (r == 0) /* one at a time: an answer takes seconds of CPU where nodes are many */
		r = pf_pool_new(1, READING_WAITING_MAX, &c->reading_pool);
	return r < 0 ? r : pf_merger_new(&opts, &c->merger, error, PF_COLLECTOR_ERROR_MAX);
}

static int start_store(struct pf_collector *c, char *error)
{
	const struct pf_collector_config *config = c->config;
	struct pf_ingest_opts opts = {
		.max_inflated_bytes = config->limits_inflated_bytes,
		.max_decoded_bytes = config->limits_decoded_bytes,
		.retention_hours = (uint32_t)(config->retention_reports_ns / PF_NS_PER_HOUR),
	};
	int r = pf_store_find(config->store, &c->store, &c->store_where);

	if (r == 0)
		r = pf_nodes_new(config->limits_nodes, &c->nodes);
	if (r == 0)
		r = pf_writer_new(c->store, c->store_where, &c->writer, c->store_note,
				  sizeof(c->store_note), error, PF_COLLECTOR_ERROR_MAX);
	if (r < 0)
		return r;
	if (*c->store_note)
		pf_log(PF_LOG_ERROR, "store", "%s", c->store_note);
	opts.writer = c->writer;
	opts.nodes = c->nodes;
	opts.stored = on_stored;
	opts.stored_arg = c;
	r = start_merger(c, error);
	return r < 0 ? r : pf_ingest_new(&opts, &c->ingest);
}

static void log_http(void *arg, const char *line)
{
	static struct pf_log_limit limit = PF_LOG_LIMIT(10, 60 * PF_NS_PER_S);

	(void)arg;
	pf_log_limited(&limit, PF_LOG_DEBUG, "http", "%s", line);
}

static int start_server(struct pf_collector *c, char *error)
{
	const struct pf_collector_config *config = c->config;
	struct pf_tls_texts texts = { 0 };
	struct pf_http_server_opts opts = {
		.listen = config->web_listen_address,
		.nr_threads = (uint32_t)config->web_threads,
		.loopback_only = !pf_auth_is_on(c->auth),
		.max_connections = (uint32_t)config->limits_connections,
		.max_body_bytes = config->limits_body_bytes,
		.max_total_body_bytes = config->limits_pending_bytes,
		.arg = c,
		.admit = pf_api_admit,
		.handle = pf_api_handle,
		.log = log_http,
	};
	int r = pf_tls_read(&c->tls, &texts, error, PF_COLLECTOR_ERROR_MAX);

	opts.tls = pf_tls_pem(&texts);
	if (r == 0)
		r = pf_http_server_new(&opts, &c->server, error, PF_COLLECTOR_ERROR_MAX);
	pf_tls_texts_done(&texts);
	if (r == -EACCES && opts.loopback_only) {
		(void)snprintf(error, PF_COLLECTOR_ERROR_MAX,
			       "%s: anybody there could report and read: give --auth.token-file or "
			       "--tls.client-ca-file, or listen on a loopback address",
			       config->web_listen_address);
		return -EINVAL;
	}
	return r;
}

/* The server first stops taking requests, then the writer answers the last ones. */
static void stop(struct pf_collector *c)
{
	struct pf_http_server_stats stats = { .nr_deferred = 1 };

	if (c->server)
		pf_http_server_quiesce(c->server);
	for (int waited_ms = 0; c->server && waited_ms < DRAIN_MS && stats.nr_deferred;
	     waited_ms += 10) {
		pf_http_server_get_stats(c->server, &stats);
		if (stats.nr_deferred)
			(void)usleep(10000);
	}
	pf_writer_free(c->writer); /* answers all that it still has */
	pf_pool_free(c->pool);
	pf_pool_free(c->reading_pool);
	pf_http_server_free(c->server);
	pf_merger_free(c->merger);
	pf_readers_free(c->readers);
	pf_policy_free(c->policy);
	pf_ingest_free(c->ingest);
	pf_nodes_free(c->nodes);
	pf_auth_free(c->auth);
}

static void renew_tokens(struct pf_collector *c)
{
	char error[256] = "";
	int r = pf_auth_reload(c->auth, error, sizeof(error));

	if (r < 0)
		pf_log(PF_LOG_WARNING, "auth", "%s; the tokens read before stay valid", error);
	else if (r > 0)
		pf_log(PF_LOG_INFO, "auth", "read the token file again");
}

static void renew_tls(struct pf_collector *c, bool asked)
{
	struct pf_tls_texts texts = { 0 };
	char error[256] = "";
	struct pf_http_server_tls pem;
	int r;

	pf_http_server_tidy(c->server);
	if (!*c->config->tls_cert_file || (!pf_tls_changed(&c->tls) && !asked))
		return;
	r = pf_tls_read(&c->tls, &texts, error, sizeof(error));
	pem = pf_tls_pem(&texts);
	if (r == 0)
		r = pf_http_server_renew_tls(c->server, &pem, error, sizeof(error));
	pf_tls_texts_done(&texts);
	if (r < 0)
		pf_log(PF_LOG_WARNING, "tls", "%s; the certificates read before stay in use",
		       *error ? error : strerror(-r));
	else
		pf_log(PF_LOG_INFO, "tls", "read the certificates again");
}

/* Files that others renew are read again when they change, and when somebody says so. */
static void serve(struct pf_collector *c, const sigset_t *signals)
{
	const struct timespec wait = { .tv_nsec = CHORE_NS / 2 };
	int signo;

	do {
		signo = sigtimedwait(signals, NULL, &wait);
		renew_tokens(c);
		renew_tls(c, signo == SIGHUP);
	} while (signo < 0 || signo == SIGHUP);
	pf_log(PF_LOG_INFO, "main", "%s: stopping", strsignal(signo));
}

int pf_collector_run(const struct pf_collector_config *config, char error[PF_COLLECTOR_ERROR_MAX])
{
	struct pf_collector c = { .config = config,
				  .tls = { .paths = { config->tls_cert_file, config->tls_key_file,
						      config->tls_client_ca_file } } };
	sigset_t signals;
	int r;

	/* Before any thread is made, so that all of them leave signals to this one. */
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN); /* libpq and TLS write to sockets that may be gone */
	c.started_unix_ms = pf_clock_wall_ns() / (int64_t)PF_NS_PER_MS;
	r = start_auth(&c, error);
	if (r == 0)
		r = start_store(&c, error);
	if (r == 0)
		r = start_server(&c, error);
	if (r == 0) {
		pf_log(PF_LOG_INFO, "main", "podfit-collector " PF_VERSION " on %s%s, store %s",
		       *config->tls_cert_file ? "https://" : "http://",
		       pf_http_server_address(c.server), c.store->name);
		serve(&c, &signals);
	}
	stop(&c);
	if (r == -ENOMEM && !*error)
		(void)snprintf(error, PF_COLLECTOR_ERROR_MAX, "out of memory");
	return r == 0 ? 0 : r == -EINVAL ? 2 : 1;
}
