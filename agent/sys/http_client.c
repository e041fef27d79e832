// SPDX-License-Identifier: Apache-2.0
#include "sys/http_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/buf.h"
#include "base/units.h"
#include "sys/file.h"

enum {
	TOKEN_MAX = 64 * 1024,
	BODY_UNASKED_MAX = 64 * 1024,
	RECEIVE_BUFFER = 16 * 1024,
	IDLE_CONNECTIONS_MAX = 4,
	CONNECT_DEFAULT_S = 5,
	TOTAL_DEFAULT_S = 30,
	KEEPALIVE_S = 30,
};

struct pf_http {
	struct pf_loop *loop;
	CURLM *multi;
	struct pf_timer *timer;
	struct pf_http_call *calls;
	char *ca_file, *token_file, *cert_file, *key_file, *unix_socket;
	bool insecure;
};

struct pf_http_call {
	struct pf_http *http;
	struct pf_http_call *next;
	CURL *easy;
	struct curl_slist *headers;
	char *body;
	struct pf_http_call_opts request; /* its strings are not used after the start */
	uint64_t max_body, nr_bytes;
	int err; /* given by on_body, or -EFBIG */
	char error[CURL_ERROR_SIZE + 64];
};

static void free_call(struct pf_http_call *call)
{
	if (call->easy) {
		(void)curl_multi_remove_handle(call->http->multi, call->easy);
		curl_easy_cleanup(call->easy);
	}
	curl_slist_free_all(call->headers);
	free(call->body);
	free(call);
}

static void unlink_call(struct pf_http_call *call)
{
	struct pf_http_call **place = &call->http->calls;

	while (*place != call)
		place = &(*place)->next;
	*place = call->next;
}

/* ---- how curl's codes are told ---- */

static const struct {
	CURLcode code;
	int err;
} errors[] = {
	{ CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT },
	{ CURLE_COULDNT_CONNECT, -ECONNREFUSED },
	{ CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH },
	{ CURLE_PARTIAL_FILE, -ECONNRESET },
	{ CURLE_GOT_NOTHING, -ECONNRESET },
	{ CURLE_RECV_ERROR, -ECONNRESET },
	{ CURLE_SEND_ERROR, -ECONNRESET },
	{ CURLE_SSL_CONNECT_ERROR, -EPROTO },
	{ CURLE_PEER_FAILED_VERIFICATION, -EPROTO },
	{ CURLE_WEIRD_SERVER_REPLY, -EPROTO },
	{ CURLE_UNSUPPORTED_PROTOCOL, -EINVAL },
	{ CURLE_URL_MALFORMAT, -EINVAL },
	{ CURLE_SSL_CACERT_BADFILE, -EACCES },
	{ CURLE_SSL_CERTPROBLEM, -EACCES },
	{ CURLE_OUT_OF_MEMORY, -ENOMEM },
};

static int error_of(const struct pf_http_call *call, CURLcode code)
{
	if (call->err)
		return call->err;
	if (code == CURLE_OK)
		return 0;
	for (size_t i = 0; i < PF_ARRAY_SIZE(errors); i++)
		if (errors[i].code == code)
			return errors[i].err;
	return -EIO;
}

static void finish_call(struct pf_http_call *call, CURLcode code)
{
	struct pf_http_result result = { .err = error_of(call, code),
					 .nr_bytes = call->nr_bytes,
					 .error = "" };
	curl_off_t retry_s = 0;

	(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &result.status);
	(void)curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_s);
	result.retry_after_ns = (uint64_t)retry_s * PF_NS_PER_S;
	if (result.err)
		result.error = *call->error ? call->error : curl_easy_strerror(code);
	unlink_call(call);
	if (call->request.on_done)
		call->request.on_done(call->request.arg, &result);
	free_call(call);
}

/* ---- curl on the loop ---- */

static void take_finished(struct pf_http *http)
{
	CURLMsg *message;
	int nr_left;

	while ((message = curl_multi_info_read(http->multi, &nr_left))) {
		struct pf_http_call *call = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
		finish_call(call, code);
	}
}

static void act(struct pf_http *http, curl_socket_t fd, int what)
{
	int nr_running;

	(void)curl_multi_socket_action(http->multi, fd, what, &nr_running);
	take_finished(http);
}

static void on_socket_ready(void *arg, int fd, uint32_t events)
{
	int what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
		   (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		   (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

	act(arg, fd, what);
}

static void on_timeout(void *arg, uint64_t now_ns)
{
	(void)now_ns;
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* CURLMOPT_SOCKETFUNCTION: which sockets curl waits for. */
static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct pf_http *http = arg;
	struct pf_watch *watch = socket_arg;
	uint32_t events =
		(what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		pf_watch_free(watch);
		(void)curl_multi_assign(http->multi, fd, NULL);
		return 0;
	}
	if (watch)
		return pf_watch_set(watch, events) < 0 ? -1 : 0;
	if (pf_loop_add_fd(http->loop, fd, events, on_socket_ready, http, &watch) < 0)
		return -1;
	(void)curl_multi_assign(http->multi, fd, watch);
	return 0;
}

/* CURLMOPT_TIMERFUNCTION */
static int on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct pf_http *http = arg;

	(void)multi;
	pf_timer_set(http->timer,
		     timeout_ms < 0 ? PF_TIMER_OFF : (uint64_t)timeout_ms * PF_NS_PER_MS, 0);
	return 0;
}

/* ---- set-up ---- */

static int copy_string(const char *text, char **ret_copy)
{
	if (!text || !*text)
		return 0;
	*ret_copy = strdup(text);
	return *ret_copy ? 0 : -ENOMEM;
}

int pf_http_new(struct pf_loop *loop, const struct pf_http_opts *opts, struct pf_http **ret_http)
{
	PF_AUTO(pf_http_freep) struct pf_http *http = calloc(1, sizeof(*http));
	int r;

	if (!http)
		return -ENOMEM;
	http->loop = loop;
	http->insecure = opts->insecure;
	if (copy_string(opts->ca_file, &http->ca_file) < 0 ||
	    copy_string(opts->token_file, &http->token_file) < 0 ||
	    copy_string(opts->cert_file, &http->cert_file) < 0 ||
	    copy_string(opts->key_file, &http->key_file) < 0 ||
	    copy_string(opts->unix_socket, &http->unix_socket) < 0)
		return -ENOMEM;
	r = pf_loop_add_timer(loop, PF_TIMER_OFF, 0, on_timeout, http, &http->timer);
	if (r < 0)
		return r;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	/* TLS libraries write to sockets that the peer may just have closed: an error, not a reason
	 * to die. */
	(void)signal(SIGPIPE, SIG_IGN);
	http->multi = curl_multi_init();
	if (!http->multi)
		return -ENOMEM;
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS_MAX);
	curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	*ret_http = pf_take(http);
	return 0;
}

void pf_http_free(struct pf_http *http)
{
	struct pf_http_call *next;

	if (!http)
		return;
	for (struct pf_http_call *call = http->calls; call; call = next) {
		next = call->next;
		free_call(call);
	}
	if (http->multi)
		(void)curl_multi_cleanup(http->multi);
	pf_timer_free(http->timer);
	free(http->ca_file);
	free(http->token_file);
	free(http->cert_file);
	free(http->key_file);
	free(http->unix_socket);
	free(http);
}

/* CURLOPT_WRITEFUNCTION. Returning less than was given ends the call. */
static size_t on_curl_body(char *data, size_t one, size_t len, void *arg)
{
	struct pf_http_call *call = arg;
	long status = 0;

	(void)one;
	call->nr_bytes += len;
	if (call->nr_bytes > call->max_body) {
		call->err = -EFBIG;
		snprintf(call->error, sizeof(call->error), "the answer is larger than %llu bytes",
			 (unsigned long long)call->max_body);
		return 0;
	}
	if (!call->request.on_body)
		return len;
	(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	call->err = call->request.on_body(call->request.arg, status, data, len);
	if (call->err)
		snprintf(call->error, sizeof(call->error), "the answer was not understood");
	return call->err ? 0 : len;
}

static int set_token(struct pf_http_call *call)
{
	struct pf_http *http = call->http;
	struct pf_buf token;
	int r;

	pf_buf_init(&token, TOKEN_MAX);
	r = pf_file_read(&pf_sys_real, AT_FDCWD, http->token_file, &token);
	while (r >= 0 && token.len && strchr("\r\n \t", token.data[token.len - 1]))
		token.data[--token.len] = '\0';
	if (r >= 0 && token.len) {
		curl_easy_setopt(call->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		curl_easy_setopt(call->easy, CURLOPT_XOAUTH2_BEARER, token.data);
	}
	if (token.data)
		explicit_bzero(token.data, token.cap);
	pf_buf_done(&token);
	return r;
}

static int set_headers(struct pf_http_call *call, const char *const *headers)
{
	/* No "Expect: 100-continue": it costs a round trip, and not every server answers it. */
	static const char *const ours[] = { "Expect:", NULL };
	const char *const *sets[] = { ours, headers };

	for (size_t i = 0; i < PF_ARRAY_SIZE(sets); i++)
		for (const char *const *h = sets[i]; h && *h; h++) {
			struct curl_slist *longer = curl_slist_append(call->headers, *h);

			if (!longer)
				return -ENOMEM;
			call->headers = longer;
		}
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
	return 0;
}

static void set_tls(const struct pf_http *http, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, (long)!http->insecure);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, http->insecure ? 0L : 2L);
	if (http->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
	if (http->cert_file)
		curl_easy_setopt(easy, CURLOPT_SSLCERT, http->cert_file);
	if (http->key_file)
		curl_easy_setopt(easy, CURLOPT_SSLKEY, http->key_file);
}

static void set_times(const struct pf_http_call_opts *request, CURL *easy)
{
	uint64_t connect_ns =
		request->connect_ns ? request->connect_ns : CONNECT_DEFAULT_S * PF_NS_PER_S;
	uint64_t total_ns = request->total_ns ? request->total_ns : TOTAL_DEFAULT_S * PF_NS_PER_S;

	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_ns / PF_NS_PER_MS));
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(total_ns / PF_NS_PER_MS));
	if (request->silence_ns) {
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
				 (long)(request->silence_ns / PF_NS_PER_S) + 1);
	}
	/* A peer that went away without a word is noticed on a quiet connection too. */
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S);
}

static int set_body(struct pf_http_call *call, const struct pf_http_call_opts *request)
{
	if (strcmp(request->method, "GET") && strcmp(request->method, "POST"))
		return -EINVAL;
	if (!strcmp(request->method, "GET"))
		return 0;
	call->body = malloc(request->body_len + 1);
	if (!call->body)
		return -ENOMEM;
	if (request->body_len)
		memcpy(call->body, request->body, request->body_len);
	curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->body);
	return 0;
}

static int set_call(struct pf_http_call *call, const struct pf_http_call_opts *request)
{
	struct pf_http *http = call->http;
	CURL *easy = call->easy;
	int r;

	if (curl_easy_setopt(easy, CURLOPT_URL, request->url) != CURLE_OK)
		return -EINVAL;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_curl_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "podfit/" PF_VERSION);
	if (http->unix_socket)
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, http->unix_socket);
	set_tls(http, easy);
	set_times(request, easy);
	r = set_headers(call, request->headers);
	if (r >= 0)
		r = set_body(call, request);
	return r;
}

int pf_http_start(struct pf_http *http, const struct pf_http_call_opts *request,
		  struct pf_http_call **ret_call)
{
	struct pf_http_call *call = calloc(1, sizeof(*call));
	int r;

	if (!call)
		return -ENOMEM;
	call->http = http;
	call->request = *request;
	call->max_body = request->max_body ? request->max_body : BODY_UNASKED_MAX;
	call->easy = curl_easy_init();
	r = call->easy ? set_call(call, request) : -ENOMEM;
	if (r >= 0 && http->token_file)
		r = set_token(call);
	if (r >= 0 && curl_multi_add_handle(http->multi, call->easy) != CURLM_OK)
		r = -ENOMEM;
	if (r < 0) {
		free_call(call);
		return r;
	}
	call->next = http->calls;
	http->calls = call;
	if (ret_call)
		*ret_call = call;
	return 0;
}

bool pf_http_url_is_valid(const char *url)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < PF_ARRAY_SIZE(schemes); i++)
		if (!strncmp(url, schemes[i], strlen(schemes[i])))
			return !strchr("/:?#", url[strlen(schemes[i])]);
	return false;
}

int pf_http_escape(const char *text, char *ret, size_t size)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~"; /* RFC 3986, unreserved */
	size_t len = 0;

	for (; *text; text++) {
		bool escape = !strchr(plain, *text);

		if (len + (escape ? 3 : 1) >= size)
			return -ENOSPC;
		if (escape)
			len += (size_t)snprintf(ret + len, size - len, "%%%02X",
						(unsigned char)*text);
		else
			ret[len++] = *text;
	}
	if (len >= size)
		return -ENOSPC;
	ret[len] = '\0';
	return 0;
}
