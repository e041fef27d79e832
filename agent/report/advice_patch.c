// SPDX-License-Identifier: Apache-2.0
/* Recommendations as files and commands to apply: kubectl patches, VPA objects, Kustomize, Helm values. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "report/advice_internal.h"

struct pf_human pf_advice_cpu(uint64_t millicores)
{
	struct pf_human h;

	if (millicores % 1000 == 0)
		snprintf(h.text, sizeof(h.text), "%" PRIu64, millicores / 1000);
	else
		snprintf(h.text, sizeof(h.text), "%" PRIu64 "m", millicores);
	return h;
}

struct pf_human pf_advice_memory(uint64_t bytes)
{
	static const char *const units[] = { "", "Ki", "Mi", "Gi", "Ti" };
	struct pf_human h;
	size_t unit = 0;

	while (bytes && bytes % 1024 == 0 && unit + 1 < PF_ARRAY_SIZE(units)) {
		bytes /= 1024;
		unit++;
	}
	snprintf(h.text, sizeof(h.text), "%" PRIu64 "%s", bytes, units[unit]);
	return h;
}

/* ---- what is to be changed ---- */

/* Kinds with a pod template, where it is, and how kubectl and Kubernetes call them. */
static const struct kind {
	enum pf_workload_kind kind;
	const char *api_version, *kubectl;
	bool cron; /* the template is in a job template */
} kinds[] = {
	{ PF_WORKLOAD_DEPLOYMENT, "apps/v1", "deployment", false },
	{ PF_WORKLOAD_STATEFUL_SET, "apps/v1", "statefulset", false },
	{ PF_WORKLOAD_DAEMON_SET, "apps/v1", "daemonset", false },
	{ PF_WORKLOAD_REPLICA_SET, "apps/v1", "replicaset", false },
	{ PF_WORKLOAD_CRON_JOB, "batch/v1", "cronjob", true },
};

static const struct kind *kind_of(const struct pf_view_row *row)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(kinds); i++)
		if (kinds[i].kind == row->name.kind)
			return &kinds[i];
	return NULL;
}

static bool same_workload(const struct pf_view_row *a, const struct pf_view_row *b)
{
	return a->name.kind == b->name.kind && !strcmp(a->name.cluster, b->name.cluster) &&
	       !strcmp(a->name.namespace_name, b->name.namespace_name) &&
	       !strcmp(a->name.workload, b->name.workload);
}

static const struct pf_policy_result *advice_of(const struct pf_view_row *row)
{
	const struct pf_policy_result *r = row->rec ? pf_view_result(row->rec) : NULL;

	/* A debugging container is in no template. */
	if (row->type == PF_CONTAINER_EPHEMERAL)
		return NULL;
	if (!r || (r->cpu.target == PF_UNKNOWN && r->cpu.limit == PF_UNKNOWN &&
		   r->memory.target == PF_UNKNOWN && r->memory.limit == PF_UNKNOWN))
		return NULL;
	return r;
}

/* One run of rows of one workload that a form can hold; false: nothing of it can. */
struct group {
	const struct pf_view_row *rows;
	size_t nr;
	const struct kind *kind; /* NULL: not a workload of Kubernetes with a template */
	bool has_advice;
};

static size_t next_group(const struct pf_view_row *rows, size_t nr_rows, size_t at,
			 struct group *ret_group)
{
	*ret_group = (struct group){ .rows = &rows[at], .kind = kind_of(&rows[at]) };
	while (at < nr_rows && same_workload(ret_group->rows, &rows[at])) {
		ret_group->has_advice = ret_group->has_advice || advice_of(&rows[at]);
		ret_group->nr++;
		at++;
	}
	return at;
}

static void comment(struct pf_buf *buf, const struct group *g, const char *why)
{
	pf_buf_adds(buf, "# ");
	pf_advice_clean(buf, pf_workload_kind_name(g->rows->name.kind));
	pf_buf_adds(buf, " ");
	if (g->rows->name.namespace_name[0]) {
		pf_advice_clean(buf, g->rows->name.namespace_name);
		pf_buf_adds(buf, "/");
	}
	pf_advice_clean(buf, g->rows->name.workload);
	pf_buf_addf(buf, ": %s\n", why);
}

/* Says why a group is left out, if it is. */
static bool left_out(struct pf_buf *buf, const struct group *g)
{
	if (!g->has_advice)
		comment(buf, g, "no advice");
	else if (!g->kind)
		comment(buf, g, "has no pod template to change");
	return !g->has_advice || !g->kind;
}

static void add_amount(struct pf_emit *e, const char *key, uint64_t amount, bool cpu)
{
	if (amount == PF_NO_LIMIT)
		pf_emit_null(e, key); /* a patch removes it */
	else if (amount != PF_UNKNOWN)
		pf_emit_text(e, key,
			     cpu ? pf_advice_cpu(amount).text : pf_advice_memory(amount).text);
}

/* A limit that stays must not fall below a request that rises: then it rises with it. */
static uint64_t limit_for(uint64_t request, uint64_t advised, uint64_t present)
{
	if (advised == PF_UNKNOWN && pf_is_set(request) && pf_is_set(present) && request > present)
		return request;
	return advised;
}

static void add_resources(struct pf_emit *e, const struct pf_view_row *row)
{
	const struct pf_policy_result *r = advice_of(row);
	uint64_t cpu = limit_for(r->cpu.target, r->cpu.limit,
				 row->present ? row->present->cpu_limit_millicores : PF_UNKNOWN);
	uint64_t memory = limit_for(r->memory.target, r->memory.limit,
				    row->present ? row->present->memory_limit_bytes : PF_UNKNOWN);

	pf_emit_open(e, "resources", false);
	if (r->cpu.target != PF_UNKNOWN || r->memory.target != PF_UNKNOWN) {
		pf_emit_open(e, "requests", false);
		add_amount(e, "cpu", r->cpu.target, true);
		add_amount(e, "memory", r->memory.target, false);
		pf_emit_close(e);
	}
	if (cpu != PF_UNKNOWN || memory != PF_UNKNOWN) {
		pf_emit_open(e, "limits", false);
		add_amount(e, "cpu", cpu, true);
		add_amount(e, "memory", memory, false);
		pf_emit_close(e);
	}
	pf_emit_close(e);
}

static bool is_init(const struct pf_view_row *row)
{
	return row->type == PF_CONTAINER_INIT || row->type == PF_CONTAINER_SIDECAR;
}

static void add_container(struct pf_emit *e, const struct pf_view_row *row)
{
	pf_emit_open(e, NULL, false);
	pf_emit_text(e, "name", row->name.container);
	add_resources(e, row);
	pf_emit_close(e);
}

/* Is there advice for a container that is no init container? */
static bool has_main(const struct group *g)
{
	for (size_t i = 0; i < g->nr; i++)
		if (advice_of(&g->rows[i]) && !is_init(&g->rows[i]))
			return true;
	return false;
}

/*
 * spec of a strategic merge patch: of @init, or of all containers that are none. The merge adds what it does not find by
 * name, so each must be in the list it is in. It also brings what it names into the patch's order, and init containers
 * run in theirs, which a report does not tell: so they go one by one.
 */
static void add_spec(struct pf_emit *e, const struct group *g, const struct pf_view_row *init)
{
	pf_emit_open(e, "spec", false);
	if (g->kind->cron) {
		pf_emit_open(e, "jobTemplate", false);
		pf_emit_open(e, "spec", false);
	}
	pf_emit_open(e, "template", false);
	pf_emit_open(e, "spec", false);
	pf_emit_open(e, init ? "initContainers" : "containers", true);
	if (init)
		add_container(e, init);
	for (size_t i = 0; i < g->nr && !init; i++)
		if (advice_of(&g->rows[i]) && !is_init(&g->rows[i]))
			add_container(e, &g->rows[i]);
	pf_emit_close(e);
	pf_emit_close(e);
	pf_emit_close(e);
	if (g->kind->cron) {
		pf_emit_close(e);
		pf_emit_close(e);
	}
	pf_emit_close(e);
}

/* ---- kubectl patch ---- */

/* In single quotes; one inside is closed, escaped, opened again. Names do not have lines. */
static void shell_quoted(struct pf_buf *buf, const char *text, size_t len, bool lines)
{
	pf_buf_adds(buf, "'");
	for (size_t i = 0; i < len; i++)
		pf_buf_addf(buf,
			    text[i] == '\''		? "'\\''"
			    : text[i] == '\n' && !lines ? " "
							: "%c",
			    text[i]);
	pf_buf_adds(buf, "'");
}

static void one_patch(struct pf_buf *buf, const struct group *g, const struct pf_view_row *init)
{
	PF_AUTO(pf_buf_done) struct pf_buf patch;
	struct pf_emit e;

	pf_buf_init(&patch, 1 << 20);
	pf_emit_init(&e, &patch, false);
	pf_emit_open(&e, NULL, false);
	add_spec(&e, g, init);
	pf_emit_close(&e);
	if (patch.err) {
		buf->err = patch.err;
		return;
	}
	pf_buf_addf(buf, "kubectl patch %s ", g->kind->kubectl);
	shell_quoted(buf, g->rows->name.workload, strlen(g->rows->name.workload), false);
	pf_buf_adds(buf, " -n ");
	shell_quoted(buf, g->rows->name.namespace_name, strlen(g->rows->name.namespace_name),
		     false);
	pf_buf_adds(buf, " --type strategic -p ");
	shell_quoted(buf, patch.data, patch.len - 1, true);
	pf_buf_adds(buf, "\n");
}

static void put_patch(const struct pf_view_row *rows, size_t nr_rows, struct pf_buf *buf)
{
	struct group g;

	for (size_t at = 0; at < nr_rows;) {
		at = next_group(rows, nr_rows, at, &g);
		if (left_out(buf, &g))
			continue;
		if (has_main(&g))
			one_patch(buf, &g, NULL);
		for (size_t i = 0; i < g.nr; i++)
			if (advice_of(&g.rows[i]) && is_init(&g.rows[i]))
				one_patch(buf, &g, &g.rows[i]);
	}
}

/* ---- VPA objects ---- */

static void bound(struct pf_emit *e, const char *key, uint64_t cpu, uint64_t memory)
{
	if (!pf_is_set(cpu) && !pf_is_set(memory))
		return;
	pf_emit_open(e, key, false);
	if (pf_is_set(cpu))
		add_amount(e, "cpu", cpu, true);
	if (pf_is_set(memory))
		add_amount(e, "memory", memory, false);
	pf_emit_close(e);
}

static void one_vpa(struct pf_buf *buf, const struct group *g)
{
	struct pf_emit e;

	pf_buf_adds(buf, "---\n");
	pf_emit_init(&e, buf, true);
	pf_emit_open(&e, NULL, false);
	pf_emit_text(&e, "apiVersion", "autoscaling.k8s.io/v1");
	pf_emit_text(&e, "kind", "VerticalPodAutoscaler");
	pf_emit_open(&e, "metadata", false);
	pf_emit_text(&e, "name", g->rows->name.workload);
	pf_emit_text(&e, "namespace", g->rows->name.namespace_name);
	pf_emit_close(&e);
	pf_emit_open(&e, "spec", false);
	pf_emit_open(&e, "targetRef", false);
	pf_emit_text(&e, "apiVersion", g->kind->api_version);
	pf_emit_text(&e, "kind", pf_workload_kind_name(g->kind->kind));
	pf_emit_text(&e, "name", g->rows->name.workload);
	pf_emit_close(&e);
	pf_emit_open(&e, "updatePolicy", false);
	pf_emit_text(&e, "updateMode", "Off");
	pf_emit_close(&e);
	pf_emit_close(&e);
	pf_emit_open(&e, "status", false);
	pf_emit_open(&e, "recommendation", false);
	pf_emit_open(&e, "containerRecommendations", true);
	for (size_t i = 0; i < g->nr; i++) {
		const struct pf_policy_result *r = advice_of(&g->rows[i]);

		if (!r)
			continue;
		pf_emit_open(&e, NULL, false);
		pf_emit_text(&e, "containerName", g->rows[i].name.container);
		bound(&e, "target", r->cpu.target, r->memory.target);
		bound(&e, "lowerBound", r->cpu.lower, r->memory.lower);
		bound(&e, "upperBound", r->cpu.upper, r->memory.upper);
		bound(&e, "uncappedTarget", r->cpu.uncapped, r->memory.uncapped);
		pf_emit_close(&e);
	}
	pf_emit_close(&e);
	pf_emit_close(&e);
	pf_emit_close(&e);
	pf_emit_close(&e);
}

static void put_vpa(const struct pf_view_row *rows, size_t nr_rows, struct pf_buf *buf)
{
	struct group g;

	for (size_t at = 0; at < nr_rows;) {
		at = next_group(rows, nr_rows, at, &g);
		if (!left_out(buf, &g))
			one_vpa(buf, &g);
	}
}

/* ---- Kustomize ---- */

/* The patch is a text of its own inside the kustomization: a block, each line indented. */
static void one_kustomize(struct pf_buf *buf, const struct group *g)
{
	PF_AUTO(pf_buf_done) struct pf_buf patch;
	struct pf_emit e;

	pf_buf_init(&patch, 1 << 20);
	pf_emit_init(&e, &patch, true);
	pf_emit_open(&e, NULL, false);
	pf_emit_text(&e, "apiVersion", g->kind->api_version);
	pf_emit_text(&e, "kind", pf_workload_kind_name(g->kind->kind));
	pf_emit_open(&e, "metadata", false);
	pf_emit_text(&e, "name", g->rows->name.workload);
	pf_emit_text(&e, "namespace", g->rows->name.namespace_name);
	pf_emit_close(&e);
	add_spec(&e, g, NULL);
	pf_emit_close(&e);
	if (patch.err) {
		buf->err = patch.err;
		return;
	}
	pf_buf_adds(buf, "  - patch: |-\n      ");
	for (size_t i = 0; i + 1 < patch.len; i++)
		pf_buf_addf(buf, patch.data[i] == '\n' ? "\n      " : "%c", patch.data[i]);
	pf_buf_adds(buf, "\n");
}

/* Kustomize brings what a patch names to the front, and init containers run in their order. */
static void say_init(struct pf_buf *buf, const struct group *g)
{
	for (size_t i = 0; i < g->nr; i++) {
		if (!advice_of(&g->rows[i]) || !is_init(&g->rows[i]))
			continue;
		comment(buf, g,
			"an init container is left out, as kustomize would move it to the front; see -o patch");
		return;
	}
}

static void put_kustomize(const struct pf_view_row *rows, size_t nr_rows, struct pf_buf *buf)
{
	bool some = false;
	struct group g;

	pf_buf_adds(buf, "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n");
	for (size_t at = 0; at < nr_rows;) {
		at = next_group(rows, nr_rows, at, &g);
		if (left_out(buf, &g))
			continue;
		say_init(buf, &g);
		if (!has_main(&g))
			continue;
		if (!some)
			pf_buf_adds(buf, "patches:\n");
		some = true;
		one_kustomize(buf, &g);
	}
	if (!some)
		pf_buf_adds(buf, "patches: []\n");
}

/* ---- Helm ---- */

/* Its name; with all it belongs to where another one has the same, for a key may be there only once. */
static const char *helm_key(const struct pf_view_row *rows, size_t nr_rows,
			    const struct pf_view_row *own, char *room, size_t size)
{
	const char *kind = pf_workload_kind_name(own->name.kind);
	bool is_unique = true;

	for (size_t i = 0; i < nr_rows && is_unique; i++)
		is_unique = strcmp(rows[i].name.workload, own->name.workload) != 0 ||
			    same_workload(&rows[i], own);
	if (is_unique)
		return own->name.workload;
	(void)snprintf(room, size, "%s%s%s%s%s-%s", own->name.cluster,
		       own->name.cluster[0] ? "-" : "", own->name.namespace_name,
		       own->name.namespace_name[0] ? "-" : "", kind, own->name.workload);
	return room;
}

static void one_helm(struct pf_emit *e, const struct group *g, const char *key)
{
	pf_emit_open(e, key, false);
	for (size_t i = 0; i < g->nr; i++) {
		if (!advice_of(&g->rows[i]))
			continue;
		pf_emit_open(e, g->rows[i].name.container, false);
		add_resources(e, &g->rows[i]);
		pf_emit_close(e);
	}
	pf_emit_close(e);
}

/* One document: of several Helm reads the first and says nothing. */
static void put_helm(const struct pf_view_row *rows, size_t nr_rows, struct pf_buf *buf)
{
	char room[PF_LABEL_NAME_MAX * 4];
	struct group g;

	pf_buf_adds(
		buf,
		"# Charts name their values differently: take each container's resources to where yours has them.\n");
	for (size_t at = 0; at < nr_rows;) {
		struct pf_emit e;

		at = next_group(rows, nr_rows, at, &g);
		if (left_out(buf, &g))
			continue;
		comment(buf, &g, "advised");
		pf_emit_init(&e, buf, true);
		pf_emit_open(&e, NULL, false);
		one_helm(&e, &g, helm_key(rows, nr_rows, g.rows, room, sizeof(room)));
		pf_emit_close(&e);
	}
}

/* ---- all of them ---- */

int pf_advice_format_parse(const char *name, enum pf_advice_format *ret_format)
{
	static const char *const names[PF_NR_ADVICE_FORMATS] = {
		[PF_ADVICE_TABLE] = "table",	  [PF_ADVICE_JSON] = "json",
		[PF_ADVICE_YAML] = "yaml",	  [PF_ADVICE_CSV] = "csv",
		[PF_ADVICE_PATCH] = "patch",	  [PF_ADVICE_VPA] = "vpa",
		[PF_ADVICE_HELM] = "helm-values", [PF_ADVICE_KUSTOMIZE] = "kustomize",
	};

	for (int i = 0; i < PF_NR_ADVICE_FORMATS; i++)
		if (!strcmp(names[i], name)) {
			*ret_format = (enum pf_advice_format)i;
			return 0;
		}
	return -EINVAL;
}

int pf_advice_print(enum pf_advice_format format, const struct pf_view_row *rows, size_t nr_rows,
		    struct pf_buf *buf)
{
	switch (format) {
	case PF_ADVICE_TABLE:
		pf_advice_table(rows, nr_rows, buf);
		break;
	case PF_ADVICE_CSV:
		pf_advice_csv(rows, nr_rows, buf);
		break;
	case PF_ADVICE_PATCH:
		put_patch(rows, nr_rows, buf);
		break;
	case PF_ADVICE_VPA:
		put_vpa(rows, nr_rows, buf);
		break;
	case PF_ADVICE_KUSTOMIZE:
		put_kustomize(rows, nr_rows, buf);
		break;
	case PF_ADVICE_HELM:
		put_helm(rows, nr_rows, buf);
		break;
	default:
		pf_advice_data(rows, nr_rows, format == PF_ADVICE_YAML, buf);
	}
	return buf->err;
}
