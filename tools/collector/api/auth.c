// SPDX-License-Identifier: Apache-2.0
#include "collector/api/auth.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "sys/file.h"

enum {
	FILE_BYTES_MAX = 1 << 20,
	TOKEN_LEN_MIN = 16, /* shorter ones can be guessed */
	TOKENS_MAX = 4096,
	NODE_NAME_MAX = 254,
};

struct token {
	char *text;
	size_t len;
	bool read, write;
	char cluster[NODE_NAME_MAX];
};

struct tokens {
	struct token *list;
	size_t nr;
};

struct pf_auth {
	struct pf_auth_opts opts;
	char *token_file, *reader_names;
	pthread_rwlock_t lock; /* guards tokens and stamp */
	struct tokens tokens;
	struct timespec stamp;
	off_t size;
};

static void tokens_done(struct tokens *tokens)
{
	for (size_t i = 0; i < tokens->nr; i++) {
		explicit_bzero(tokens->list[i].text, tokens->list[i].len);
		free(tokens->list[i].text);
	}
	free(tokens->list);
	*tokens = (struct tokens){ 0 };
}

static bool is_known(const struct tokens *tokens, const char *text)
{
	for (size_t i = 0; i < tokens->nr; i++)
		if (!strcmp(tokens->list[i].text, text))
			return true;
	return false;
}

/* One line: TOKEN [read|write|all] [CLUSTER]. Return: 0; -EINVAL with @why; -ENOMEM. */
static int parse_line(char *line, struct tokens *tokens, const char **ret_why)
{
	char *save = NULL, *text = strtok_r(line, " \t\r", &save);
	char *right = strtok_r(NULL, " \t\r", &save), *cluster = strtok_r(NULL, " \t\r", &save);
	struct token *token = &tokens->list[tokens->nr];

	if (!text || *text == '#')
		return 0;
	if (strlen(text) < TOKEN_LEN_MIN) {
		*ret_why = "the token is shorter than 16 characters";
		return -EINVAL;
	}
	if (is_known(tokens, text)) { /* whose cluster would hold for the rights of both? */
		*ret_why = "a line before this one has the same token: one line a token";
		return -EINVAL;
	}
	if (right && strcmp(right, "read") && strcmp(right, "write") && strcmp(right, "all")) {
		*ret_why = "after the token comes read, write or all";
		return -EINVAL;
	}
	if (cluster && strlen(cluster) >= sizeof(token->cluster)) {
		*ret_why = "the cluster's name is too long";
		return -EINVAL;
	}
	if (strtok_r(NULL, " \t\r", &save)) {
		*ret_why = "more than TOKEN RIGHT CLUSTER on the line";
		return -EINVAL;
	}
	token->text = strdup(text);
	if (!token->text)
		return -ENOMEM;
	token->len = strlen(text);
	token->read = !right || strcmp(right, "write") != 0;
	token->write = !right || strcmp(right, "read") != 0;
	(void)snprintf(token->cluster, sizeof(token->cluster), "%s", cluster ? cluster : "");
	tokens->nr++;
	return 0;
}

static int parse_tokens(char *text, struct tokens *tokens, char *error, size_t error_size,
			const char *path)
{
	size_t nr_lines = 0;

	tokens->list = calloc(TOKENS_MAX, sizeof(*tokens->list));
	if (!tokens->list)
		return -ENOMEM;
	/* strsep, so that empty lines are counted too */
	for (char *line; (line = strsep(&text, "\n")) != NULL;) {
		const char *why = "too many tokens";
		int r = tokens->nr < TOKENS_MAX ? 0 : -EINVAL;

		nr_lines++;
		if (r == 0)
			r = parse_line(line, tokens, &why);
		if (r < 0) {
			(void)snprintf(error, error_size, "%s line %zu: %s", path, nr_lines, why);
			return r;
		}
	}
	if (tokens->nr)
		return 0;
	(void)snprintf(error, error_size, "%s: there is no token in it", path);
	return -EINVAL;
}

static int read_tokens(struct pf_auth *auth, struct tokens *tokens, char *error, size_t error_size)
{
	struct pf_buf text;
	int r;

	pf_buf_init(&text, FILE_BYTES_MAX);
	r = pf_file_read(&pf_sys_real, AT_FDCWD, auth->token_file, &text);
	if (r < 0)
		(void)snprintf(error, error_size, "%s: %s", auth->token_file, strerror(-r));
	else if (!text.len)
		(void)snprintf(error, error_size, "%s: it is empty", auth->token_file);
	if (r == 0)
		r = text.len ? parse_tokens(text.data, tokens, error, error_size, auth->token_file)
			     : -EINVAL;
	if (text.data)
		explicit_bzero(text.data, text.cap);
	pf_buf_done(&text);
	if (r < 0)
		tokens_done(tokens);
	return r;
}

int pf_auth_reload(struct pf_auth *auth, char *error, size_t error_size)
{
	struct tokens tokens = { 0 }, old;
	struct stat st;
	int r;

	if (!*auth->token_file)
		return 0;
	if (stat(auth->token_file, &st) < 0) {
		r = -errno;
		(void)snprintf(error, error_size, "%s: %s", auth->token_file, strerror(-r));
		return r;
	}
	if (st.st_mtim.tv_sec == auth->stamp.tv_sec && st.st_mtim.tv_nsec == auth->stamp.tv_nsec &&
	    st.st_size == auth->size)
		return 0;
	auth->stamp = st.st_mtim; /* a bad file is complained about once */
	auth->size = st.st_size;
	r = read_tokens(auth, &tokens, error, error_size);
	if (r < 0)
		return r;
	(void)pthread_rwlock_wrlock(&auth->lock);
	old = auth->tokens;
	auth->tokens = tokens;
	(void)pthread_rwlock_unlock(&auth->lock);
	tokens_done(&old);
	return 1;
}

int pf_auth_new(const struct pf_auth_opts *opts, struct pf_auth **ret_auth, char *error,
		size_t error_size)
{
	PF_AUTO(pf_auth_freep) struct pf_auth *auth = calloc(1, sizeof(*auth));
	int r;

	if (!auth)
		return -ENOMEM;
	(void)pthread_rwlock_init(&auth->lock, NULL); /* cannot fail with default attributes */
	auth->opts = *opts;
	auth->token_file = strdup(opts->token_file);
	auth->reader_names = strdup(opts->reader_names);
	if (!auth->token_file || !auth->reader_names)
		return -ENOMEM;
	r = pf_auth_reload(auth, error, error_size);
	if (r < 0)
		return r;
	*ret_auth = pf_take(auth);
	return 0;
}

void pf_auth_free(struct pf_auth *auth)
{
	if (!auth)
		return;
	tokens_done(&auth->tokens);
	free(auth->token_file);
	free(auth->reader_names);
	(void)pthread_rwlock_destroy(&auth->lock);
	free(auth);
}

bool pf_auth_is_on(const struct pf_auth *auth)
{
	return *auth->token_file || auth->opts.client_certificates;
}

/* Takes as long wherever the first difference is. */
static bool same_secret(const char *a, const char *b, size_t len)
{
	unsigned char different = 0;

	for (size_t i = 0; i < len; i++)
		different |= (unsigned char)(a[i] ^ b[i]);
	return !different;
}

static int base64_value(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* The password of HTTP's Basic scheme, which browsers can ask a person for. */
static void basic_password(const char *encoded, char *ret_text, size_t size)
{
	char plain[1024];
	size_t len = 0;
	uint32_t bits = 0;

	for (size_t nr = 0; *encoded && *encoded != '=' && len + 1 < sizeof(plain); encoded++) {
		int value = base64_value(*encoded);

		if (value < 0) {
			len = 0;
			break;
		}
		bits = bits << 6 | (uint32_t)value;
		if (++nr % 4 != 1)
			plain[len++] = (char)(bits >> (nr % 4 == 2 ? 4 : nr % 4 == 3 ? 2 : 0));
	}
	plain[len] = '\0';

	const char *colon = strchr(plain, ':');

	if (colon)
		(void)snprintf(ret_text, size, "%s", colon + 1);
	explicit_bzero(plain, sizeof(plain));
}

static void rights_of_token(struct pf_auth *auth, struct pf_http_request *req,
			    struct pf_auth_rights *rights)
{
	const char *header = pf_http_header(req, "Authorization");
	char given[1024] = "";
	size_t len;

	if (!header)
		return;
	if (!strncasecmp(header, "Bearer ", 7))
		(void)snprintf(given, sizeof(given), "%s", header + 7);
	else if (!strncasecmp(header, "Basic ", 6))
		basic_password(header + 6, given, sizeof(given));
	len = strlen(given);
	(void)pthread_rwlock_rdlock(&auth->lock);
	for (size_t i = 0; i < auth->tokens.nr; i++) {
		const struct token *token = &auth->tokens.list[i];

		if (token->len != len || !same_secret(token->text, given, len))
			continue;
		rights->read = token->read;
		rights->write = token->write;
		(void)snprintf(rights->cluster, sizeof(rights->cluster), "%s", token->cluster);
	}
	(void)pthread_rwlock_unlock(&auth->lock);
	explicit_bzero(given, sizeof(given));
}

/* @name is one of those in @list, which has commas between. */
static bool is_listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; at && len; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, name, len) && (at[len] == ',' || !at[len]))
			return true;
	}
	return false;
}

static void rights_of_certificate(struct pf_auth *auth, struct pf_http_request *req,
				  struct pf_auth_rights *rights)
{
	const char *name = pf_http_client_name(req, 0);

	if (!name)
		return;
	rights->own_node_only = auth->opts.node_from_certificate;
	rights->write = true;
	for (size_t i = 0; (name = pf_http_client_name(req, i)) != NULL; i++)
		rights->read |= is_listed(auth->reader_names, name);
}

void pf_auth_rights(struct pf_auth *auth, struct pf_http_request *req,
		    struct pf_auth_rights *ret_rights)
{
	*ret_rights = (struct pf_auth_rights){ .read = !pf_auth_is_on(auth),
					       .write = !pf_auth_is_on(auth) };
	if (*auth->token_file)
		rights_of_token(auth, req, ret_rights);
	if (auth->opts.client_certificates)
		rights_of_certificate(auth, req, ret_rights);
}

/* As a plain name, or as Kubernetes names its nodes' certificates. */
bool pf_auth_is_node(struct pf_http_request *req, const char *node)
{
	static const char prefix[] = "system:node:";
	const char *name;

	for (size_t i = 0; (name = pf_http_client_name(req, i)) != NULL; i++) {
		if (!strncmp(name, prefix, strlen(prefix)))
			name += strlen(prefix);
		if (!strcmp(name, node))
			return true;
	}
	return false;
}
