// SPDX-License-Identifier: Apache-2.0
#include "ctl/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "ctl/progress.h"

enum {
	TOKEN_MAX = 8192,
	PATIENCE_MS = 30000, /* with a server that asks to come again */
	PAUSE_MS = 500,
};

struct pf_client {
	CURL *curl;
	char *base;   /* URL before the path */
	char *socket; /* NULL: TCP */
	char *bearer; /* "Authorization: Bearer ..." or NULL */
	char reason[CURL_ERROR_SIZE];
};

static int read_token(const char *path, char **ret_bearer, char *error, size_t error_size)
{
	PF_AUTO(pf_fclosep) FILE *file = fopen(path, "re");
	char token[TOKEN_MAX] = "";
	struct pf_buf line;
	int r;

	if (!file || !fgets(token, sizeof(token), file)) {
		r = file ? -ENODATA : -errno;
		(void)snprintf(error, error_size, "token file %s: %s", path,
			       file ? "empty" : strerror(-r));
		return r;
	}
	token[strcspn(token, "\r\n")] = '\0';
	pf_buf_init(&line, TOKEN_MAX + 64);
	r = pf_buf_addf(&line, "Authorization: Bearer %s", token);
	if (r < 0)
		return r;
	*ret_bearer = pf_buf_steal(&line);
	return 0;
}

static int set_up(struct pf_client *client, const struct pf_client_opts *opts)
{
	CURL *curl = client->curl;

	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->reason);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, opts->timeout_s ? opts->timeout_s : 10L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 5L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "podfit/" PF_VERSION);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	if (opts->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, opts->ca_file);
	if (opts->cert_file)
		curl_easy_setopt(curl, CURLOPT_SSLCERT, opts->cert_file);
	if (opts->key_file)
		curl_easy_setopt(curl, CURLOPT_SSLKEY, opts->key_file);
	if (strstr(opts->where, "://")) {
		client->base = strdup(opts->where);
		if (client->base && client->base[strlen(client->base) - 1] == '/')
			client->base[strlen(client->base) - 1] = '\0';
		return client->base ? 0 : -ENOMEM;
	}
	client->socket = strdup(opts->where);
	client->base = strdup("http://podfit-agent");
	if (!client->socket || !client->base)
		return -ENOMEM;
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket);
	return 0;
}

int pf_client_new(const struct pf_client_opts *opts, struct pf_client **ret_client, char *error,
		  size_t error_size)
{
	PF_AUTO(pf_client_freep) struct pf_client *client = calloc(1, sizeof(*client));
	int r = 0;

	(void)snprintf(error, error_size, "out of memory");
	if (!client)
		return -ENOMEM;
	if (opts->token_file)
		r = read_token(opts->token_file, &client->bearer, error, error_size);
	if (r < 0)
		return r;
	client->curl = curl_easy_init();
	if (!client->curl)
		return -ENOMEM;
	r = set_up(client, opts);
	if (r < 0)
		return r;
	*ret_client = pf_take(client);
	return 0;
}

void pf_client_free(struct pf_client *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->curl);
	free(client->base);
	free(client->socket);
	free(client->bearer);
	free(client);
}

static size_t on_body(char *data, size_t size, size_t nr, void *arg)
{
	struct pf_buf *out = arg;

	return pf_buf_add(out, data, size * nr) == 0 ? size * nr : 0;
}

static int errno_of(const struct pf_client *client, CURLcode code, const struct pf_buf *out)
{
	long os = 0;

	if (out->err)
		return out->err == -ENOSPC ? -EFBIG : out->err;
	curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &os);
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return os ? -(int)os : -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
		return -ENOENT;
	default:
		return -EIO;
	}
}

/* What connect() cannot tell: why there is nobody. */
static int explain_socket(const struct pf_client *client, int r, char *error, size_t error_size)
{
	struct stat st;

	if (stat(client->socket, &st) < 0 && errno == ENOENT)
		r = -ENOENT;
	(void)snprintf(error, error_size, "%s: %s", client->socket,
		       r == -ENOENT   ? "no such file, and no podfit-agent runs here with that "
					"--api.socket"
		       : r == -EACCES ? "permission denied: the agent's socket is root's"
		       : r == -ECONNREFUSED ? "nobody listens there: the agent has ended"
					    : strerror(-r));
	return r;
}

/* The collector's words, without their JSON: {"error": "..."}. */
static void explain_status(const struct pf_client *client, long status, const char *body,
			   char *error, size_t error_size)
{
	static const char head[] = "{\"error\": \"", tail[] = "\"}";
	size_t len = strcspn(body, "\r\n");

	if (!strncmp(body, head, strlen(head)) && len > strlen(head) + strlen(tail)) {
		body += strlen(head);
		len -= strlen(head) + strlen(tail);
	}
	(void)snprintf(error, error_size, "%s: status %ld: %.*s",
		       client->socket ? client->socket : client->base, status,
		       len < 300 ? (int)len : 300, body);
}

/* Return: as pf_client_get(); -EAGAIN: not yet, the server asks to come again. */
static int perform(struct pf_client *client, struct pf_buf *out, char *error, size_t error_size)
{
	curl_off_t again_s = 0;
	size_t before = out->len;
	CURLcode code;
	long status = 0;
	int r;

	client->reason[0] = '\0';
	code = curl_easy_perform(client->curl);
	if (code != CURLE_OK) {
		r = errno_of(client, code, out);
		if (client->socket)
			return explain_socket(client, r, error, error_size);
		(void)snprintf(error, error_size, "%s: %s", client->base,
			       client->reason[0] ? client->reason : curl_easy_strerror(code));
		return r;
	}
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300)
		return 0;
	explain_status(client, status, out->data ? out->data + before : "", error, error_size);
	out->len = before;
	curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &again_s);
	if (status == 503 && again_s > 0)
		return -EAGAIN;
	return status == 401 || status == 403 ? -EACCES : status == 404 ? -ENOENT : -EPROTO;
}

/* A server that says so is asked again for a while: it merges what it has, or its store is away. */
static int perform_patiently(struct pf_client *client, struct pf_buf *out, char *error,
			     size_t error_size)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000 };
	int r;

	for (int waited_ms = 0;
	     (r = perform(client, out, error, error_size)) == -EAGAIN && waited_ms < PATIENCE_MS;
	     waited_ms += PAUSE_MS) {
		pf_progress_say("waiting: %s", error);
		(void)nanosleep(&pause, NULL);
	}
	pf_progress_end();
	return r == -EAGAIN ? -EPROTO : r;
}

int pf_client_get(struct pf_client *client, const char *path, const char *accept,
		  struct pf_buf *out, char *error, size_t error_size)
{
	struct curl_slist *headers = NULL, *more;
	char url[2048], accept_line[160];
	int r = -ENOMEM;

	(void)snprintf(error, error_size, "out of memory");
	(void)snprintf(accept_line, sizeof(accept_line), "Accept: %s", accept);
	if (snprintf(url, sizeof(url), "%s%s", client->base, path) >= (int)sizeof(url)) {
		(void)snprintf(error, error_size, "the address is too long");
		return -ENAMETOOLONG;
	}
	headers = curl_slist_append(NULL, accept_line);
	if (headers && client->bearer) {
		more = curl_slist_append(headers, client->bearer);
		if (!more) {
			curl_slist_free_all(headers);
			return -ENOMEM;
		}
	}
	if (headers) {
		curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(client->curl, CURLOPT_URL, url);
		curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, on_body);
		curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, out);
		r = perform_patiently(client, out, error, error_size);
		curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
		curl_slist_free_all(headers);
	}
	return r;
}

bool pf_client_is_behind(struct pf_client *client)
{
	struct curl_header *header;

	return curl_easy_header(client->curl, "X-Podfit-Merge-Pending", 0, CURLH_HEADER, -1,
				&header) == CURLHE_OK;
}

int pf_client_add_query(struct pf_buf *path, const char *name, const char *value)
{
	(void)pf_buf_addf(path, "%c%s=", strchr(path->data, '?') ? '&' : '?', name);
	for (; *value; value++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~",
			   *value))
			(void)pf_buf_add(path, value, 1);
		else
			(void)pf_buf_addf(path, "%%%02X", (unsigned char)*value);
	return path->err;
}
