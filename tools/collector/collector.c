// SPDX-License-Identifier: Apache-2.0
/*
 * Wiring: what is started in which order, and the main thread, which only waits for signals and does
 * the slow chores.
 */
#include "collector/collector.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "collector/api/api.h"
#include "core/units.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

enum {
	PEM_BYTES_MAX = 1 << 20,
	DRAIN_MS = 10000, /* for requests in progress when it is time to stop */
	CHORE_NS = 1000000000,
};

/* Texts of the TLS files, wiped when done. */
struct pem {
	struct pf_buf cert, key, client_ca;
};

static void pem_done(struct pem *pem)
{
	if (pem->key.data)
		explicit_bzero(pem->key.data, pem->key.cap);
	pf_buf_done(&pem->cert);
	pf_buf_done(&pem->key);
	pf_buf_done(&pem->client_ca);
}

static int read_pem(const char *path, struct pf_buf *buf, char *error)
{
	int r;

	pf_buf_init(buf, PEM_BYTES_MAX);
	if (!*path)
		return 0;
	r = pf_file_read(&pf_sys_real, AT_FDCWD, path, buf);
	if (r < 0)
		(void)snprintf(error, PF_COLLECTOR_ERROR_MAX, "%s: %s", path, strerror(-r));
	return r;
}

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
	if (r == 0)
		r = pf_pool_new((unsigned)config->web_threads, &c->pool);
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
	struct pem pem = { 0 };
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
	int r = read_pem(config->tls_cert_file, &pem.cert, error);

	if (r == 0)
		r = read_pem(config->tls_key_file, &pem.key, error);
	if (r == 0)
		r = read_pem(config->tls_client_ca_file, &pem.client_ca, error);
	opts.cert_pem = pem.cert.data;
	opts.key_pem = pem.key.data;
	opts.client_ca_pem = pem.client_ca.data;
	if (r == 0)
		r = pf_http_server_new(&opts, &c->server, error, PF_COLLECTOR_ERROR_MAX);
	pem_done(&pem);
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
	pf_http_server_free(c->server);
	pf_merger_free(c->merger);
	pf_readers_free(c->readers);
	pf_policy_free(c->policy);
	pf_ingest_free(c->ingest);
	pf_nodes_free(c->nodes);
	pf_auth_free(c->auth);
}

static void do_chores(struct pf_collector *c)
{
	char error[256] = "";
	int r = pf_auth_reload(c->auth, error, sizeof(error));

	if (r < 0)
		pf_log(PF_LOG_WARNING, "auth", "%s; the tokens read before stay valid", error);
	else if (r > 0)
		pf_log(PF_LOG_INFO, "auth", "read the token file again");
}

static void serve(struct pf_collector *c, const sigset_t *signals)
{
	const struct timespec wait = { .tv_nsec = CHORE_NS / 2 };
	int signo;

	do {
		signo = sigtimedwait(signals, NULL, &wait);
		if (signo < 0)
			do_chores(c);
	} while (signo < 0);
	pf_log(PF_LOG_INFO, "main", "%s: stopping", strsignal(signo));
}

int pf_collector_run(const struct pf_collector_config *config, char error[PF_COLLECTOR_ERROR_MAX])
{
	struct pf_collector c = { .config = config };
	sigset_t signals;
	int r;

	/* Before any thread is made, so that all of them leave signals to this one. */
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGTERM);
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
