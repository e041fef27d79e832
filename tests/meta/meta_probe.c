// SPDX-License-Identifier: Apache-2.0
/*
 * meta_probe.c - the module meta/ alone, driven by lines on stdin and answering on stdout; the test
 * scripts' handle on it.
 *
 *	meta_probe KEY=VALUE...       source node api api_ca api_token kubelet kubelet_ca kubelet_token
 *				      kubelet_cert kubelet_key interval_ms logs owners
 *	appear HANDLE POD_UID CONTAINER_ID CPU_WEIGHT
 *	lookup HANDLE | forget HANDLE | settle | status | memory | doctor | quit
 */
#include "meta/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "sys/file.h"
#include "sys/log.h"

enum { CGROUPS_MAX = 512, LINE_MAX_BYTES = 512 };

struct probe {
	struct pf_loop *loop;
	struct pf_meta_opts opts;
	struct pf_meta *meta;
	uint64_t nr_changes;
	struct pf_cgroup cgroups[CGROUPS_MAX];
	char line[LINE_MAX_BYTES];
	size_t line_len;
};

static const char *const answers[] = {
	[PF_META_NAMED] = "NAMED",
	[PF_META_PENDING] = "PENDING",
	[PF_META_SANDBOX] = "SANDBOX",
	[PF_META_BY_PATH] = "BY_PATH",
};
static const char *const healths[] = {
	[PF_META_STARTING] = "STARTING",
	[PF_META_SYNCED] = "SYNCED",
	[PF_META_STALE] = "STALE",
	[PF_META_DENIED] = "DENIED",
};
static const char *const verdicts[] = { "OK", "WARNING", "FAILED" };

static void number(const char *name, uint64_t value)
{
	if (value == PF_UNKNOWN)
		printf(" %s=unknown", name);
	else if (value == PF_NO_LIMIT)
		printf(" %s=none", name);
	else
		printf(" %s=%" PRIu64, name, value);
}

static void resources(const char *name, const struct pf_resources *r)
{
	char key[64];

	snprintf(key, sizeof(key), "%s.cpu_request", name);
	number(key, r->cpu_request_millicores);
	snprintf(key, sizeof(key), "%s.cpu_limit", name);
	number(key, r->cpu_limit_millicores);
	snprintf(key, sizeof(key), "%s.memory_request", name);
	number(key, r->memory_request_bytes);
	snprintf(key, sizeof(key), "%s.memory_limit", name);
	number(key, r->memory_limit_bytes);
}

static void lookup(struct probe *probe, const struct pf_cgroup *cgroup)
{
	struct pf_identity id;
	enum pf_meta_answer answer = pf_meta_lookup(probe->meta, cgroup, &id);

	printf("answer=%s namespace=%s pod=%s container=%s kind=%s workload=%s type=%d qos=%d "
	       "restarts=%u image=%s uid=%s",
	       answers[answer], id.namespace_name, id.pod, id.container,
	       pf_workload_kind_name(id.workload_kind), id.workload, (int)id.type, (int)id.qos,
	       id.restart_count, id.image, id.pod_uid);
	printf(" hpa=%s%s%s", id.hpa_known ? "" : "unknown", id.hpa_on_cpu ? "cpu" : "",
	       id.hpa_on_memory ? "memory" : "");
	resources("spec", &id.spec);
	resources("actual", &id.actual);
	for (uint32_t i = 0; i < id.nr_labels; i++)
		printf(" label.%s=%s", id.labels[i].key, id.labels[i].value);
	printf("\n");
}

static void status(struct probe *probe)
{
	struct pf_meta_status s;

	pf_meta_status(probe->meta, &s);
	printf("source=%s health=%s ready=%d requests=%" PRIu64 " lists=%" PRIu64
	       " watches=%" PRIu64 " events=%" PRIu64 " errors=%" PRIu64 " denied=%" PRIu64
	       " expired=%" PRIu64 " malformed=%" PRIu64 " pods=%u cgroups=%u refused=%" PRIu64
	       " doubts=%" PRIu64 " bytes=%" PRIu64 " changes=%" PRIu64 " state=%s\n",
	       s.source, healths[s.health], s.ready, s.nr_requests, s.nr_lists, s.nr_watches,
	       s.nr_events, s.nr_errors, s.nr_denied, s.nr_expired, s.nr_malformed, s.map.nr_pods,
	       s.map.nr_cgroups, s.map.nr_pods_refused, s.map.nr_shrinks_doubted, s.nr_bytes,
	       probe->nr_changes, s.state);
}

/* Resident memory now and at most, in KiB, and heap in use in bytes. */
static void memory(void)
{
	struct pf_buf text;
	const char *rss, *peak;

	pf_buf_init(&text, 65536);
	if (pf_file_read(&pf_sys_real, AT_FDCWD, "/proc/self/status", &text) < 0)
		abort();
	rss = strstr(text.data, "VmRSS:");
	peak = strstr(text.data, "VmHWM:");
	printf("rss_kib=%lu peak_kib=%lu heap=%zu\n", rss ? strtoul(rss + 6, NULL, 10) : 0,
	       peak ? strtoul(peak + 6, NULL, 10) : 0, mallinfo2().uordblks);
	pf_buf_done(&text);
}

static void doctor(struct probe *probe)
{
	struct pf_meta_check checks[16];
	size_t nr = pf_meta_doctor(&probe->opts, checks, PF_ARRAY_SIZE(checks));

	for (size_t i = 0; i < nr; i++)
		printf("%s|%s|%s;", verdicts[checks[i].verdict], checks[i].name, checks[i].text);
	printf("\n");
}

static void appear(struct probe *probe, struct pf_cgroup *cgroup, const char *uid, const char *id,
		   uint64_t weight)
{
	*cgroup = (struct pf_cgroup){ .handle = (uint64_t)(cgroup - probe->cgroups) + 1 };
	cgroup->id = cgroup->handle;
	cgroup->class.kind = PF_CGROUP_CONTAINER;
	snprintf(cgroup->class.pod_uid, sizeof(cgroup->class.pod_uid), "%s", uid);
	snprintf(cgroup->class.container_id, sizeof(cgroup->class.container_id), "%s", id);
	pf_meta_appeared(probe->meta, cgroup);
	pf_meta_hint(probe->meta, cgroup->handle, weight);
	printf("ok\n");
}

static void run_line(struct probe *probe, char *line)
{
	char *rest = NULL, *word = strtok_r(line, " ", &rest);
	char *handle = strtok_r(NULL, " ", &rest), *uid = strtok_r(NULL, " ", &rest);
	char *id = strtok_r(NULL, " ", &rest), *weight = strtok_r(NULL, " ", &rest);
	uint64_t n = 0, w = PF_UNKNOWN;

	if (handle && (pf_parse_u64(handle, &n) < 0 || n < 1 || n > CGROUPS_MAX))
		n = 0;
	if (weight && pf_parse_u64(weight, &w) < 0)
		w = PF_UNKNOWN;
	if (!word)
		printf("?\n");
	else if (!strcmp(word, "appear") && n && uid && id)
		appear(probe, &probe->cgroups[n - 1], uid, id, w);
	else if (!strcmp(word, "lookup") && n)
		lookup(probe, &probe->cgroups[n - 1]);
	else if (!strcmp(word, "forget") && n)
		pf_meta_forget(probe->meta, n), printf("ok\n");
	else if (!strcmp(word, "settle"))
		pf_meta_settle(probe->meta), printf("ok\n");
	else if (!strcmp(word, "status"))
		status(probe);
	else if (!strcmp(word, "memory"))
		memory();
	else if (!strcmp(word, "doctor"))
		doctor(probe);
	else if (!strcmp(word, "quit"))
		pf_loop_stop(probe->loop, 0), printf("ok\n");
	else
		printf("?\n");
	fflush(stdout);
}

static void on_input(void *arg, int fd, uint32_t events)
{
	struct probe *probe = arg;
	ssize_t n =
		read(fd, probe->line + probe->line_len, sizeof(probe->line) - 1 - probe->line_len);
	char *end;

	(void)events;
	if (n <= 0) {
		pf_loop_stop(probe->loop, 1);
		return;
	}
	probe->line_len += (size_t)n;
	probe->line[probe->line_len] = '\0';
	while ((end = strchr(probe->line, '\n'))) {
		*end = '\0';
		run_line(probe, probe->line);
		probe->line_len -= (size_t)(end + 1 - probe->line);
		memmove(probe->line, end + 1, probe->line_len + 1);
	}
}

static void on_change(void *arg)
{
	((struct probe *)arg)->nr_changes++;
}

static int set_option(struct pf_meta_opts *opts, char *text)
{
	struct pf_meta_source_opts *with = &opts->with;
	const struct {
		const char *key;
		const char **place;
	} texts[] = {
		{ "source", &opts->source },
		{ "node", &with->node_name },
		{ "logs", &with->pod_logs },
		{ "api", &with->apiserver.url },
		{ "api_ca", &with->apiserver.ca_file },
		{ "api_token", &with->apiserver.token_file },
		{ "kubelet", &with->kubelet.url },
		{ "kubelet_ca", &with->kubelet.ca_file },
		{ "kubelet_token", &with->kubelet.token_file },
		{ "kubelet_cert", &with->kubelet.cert_file },
		{ "kubelet_key", &with->kubelet.key_file },
	};
	char *value = strchr(text, '=');
	uint64_t number_given;

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	for (size_t i = 0; i < PF_ARRAY_SIZE(texts); i++)
		if (!strcmp(texts[i].key, text)) {
			*texts[i].place = value;
			return 0;
		}
	if (pf_parse_u64(value, &number_given) < 0)
		return -EINVAL;
	if (!strcmp(text, "interval_ms"))
		with->kubelet_interval_ns = number_given * PF_NS_PER_MS;
	else if (!strcmp(text, "owners"))
		with->resolve_owners = number_given;
	else if (!strcmp(text, "hpa"))
		with->hpa = number_given;
	else if (!strcmp(text, "max_pods"))
		with->max_pods = (uint32_t)number_given;
	else
		return -EINVAL;
	return 0;
}

int main(int argc, char **argv)
{
	static struct probe probe;
	char error[512];
	int r = pf_loop_new(&probe.loop);

	pf_log_setup(PF_LOG_DEBUG, PF_LOG_LOGFMT);
	pf_meta_opts_init(&probe.opts);
	probe.opts.changed = on_change;
	probe.opts.changed_arg = &probe;
	for (int i = 1; i < argc && r >= 0; i++) {
		r = set_option(&probe.opts, argv[i]);
		if (r < 0)
			fprintf(stderr, "meta_probe: %s: not understood\n", argv[i]);
	}
	if (r >= 0)
		r = pf_loop_add_fd(probe.loop, STDIN_FILENO, EPOLLIN, on_input, &probe, NULL);
	if (r < 0)
		return 2;
	r = pf_meta_new(&probe.opts, probe.loop, &probe.meta, error, sizeof(error));
	if (r < 0) {
		fprintf(stderr, "meta_probe: %s\n", error);
		pf_loop_free(probe.loop);
		return 2;
	}
	r = pf_loop_run(probe.loop);
	pf_meta_free(probe.meta);
	pf_loop_free(probe.loop);
	return r;
}
