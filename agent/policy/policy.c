// SPDX-License-Identifier: Apache-2.0
#include "policy/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/decode.h"
#include "sys/file.h"

enum { ARENA_MAX = 16 << 20, RULES_MAX = 2000, CLASSES_MAX = 200 };

/* NULL: anything. */
struct match {
	const char *namespace_name, *kind, *workload, *container;
	const struct pf_yaml *labels; /* a mapping of globs */
};

struct rule {
	struct match match;
	struct pf_rules rules;
};

struct pf_policy {
	struct pf_arena arena;
	struct pf_rules base;
	struct pf_class *classes;
	size_t nr_classes;
	struct rule *rules;
	size_t nr_rules;
};

/* ---- tables ---- */

#define OF(type, field) offsetof(struct type, field)

static const char *const limit_modes[] = { "curve", "none", "keep", NULL };
static const char *const policies[] = { "podfit", "vpa", "baseline", NULL };

/* A month of waste for a minute of shortage is more than anybody means. */
#define PRICE_MAX 50000

static const struct pf_field start_fields[] = {
	{ "cpuRequest", PF_FIELD_CPU, OF(pf_class, start_cpu_request_millicores) },
	{ "cpuLimit", PF_FIELD_CPU, OF(pf_class, start_cpu_limit_millicores) },
	{ "memoryRequest", PF_FIELD_MEMORY, OF(pf_class, start_memory_request_bytes) },
	{ "memoryLimit", PF_FIELD_MEMORY, OF(pf_class, start_memory_limit_bytes) },
	{ NULL },
};

static const struct pf_field class_fields[] = {
	{ "extends", PF_FIELD_OTHER },
	{ "cpuRiskPrice", PF_FIELD_NUMBER, OF(pf_class, cpu_risk_price), 0.01, PRICE_MAX },
	{ "cpuMargin", PF_FIELD_NUMBER, OF(pf_class, cpu_margin_ratio), 0, 10 },
	{ "cpuLimit", PF_FIELD_CHOICE, OF(pf_class, cpu_limit_mode), .choices = limit_modes },
	{ "throttlingBudget", PF_FIELD_NUMBER, OF(pf_class, throttling_budget_ratio), 0, 1 },
	{ "memoryMargin", PF_FIELD_NUMBER, OF(pf_class, memory_margin_ratio), 0, 10 },
	{ "memoryKillPrice", PF_FIELD_NUMBER, OF(pf_class, memory_kill_price), 0, 1e6 },
	{ "memoryGrowthMargin", PF_FIELD_NUMBER, OF(pf_class, memory_growth_margin), 0, 10 },
	{ "memoryYoungMargin", PF_FIELD_NUMBER, OF(pf_class, memory_young_margin), 0, 10 },
	{ "memoryLimitMargin", PF_FIELD_NUMBER, OF(pf_class, memory_limit_margin_ratio), 0, 10 },
	{ "start", PF_FIELD_PART, .part = start_fields },
	{ NULL },
};

static const struct pf_field prices_fields[] = {
	{ "currency", PF_FIELD_TEXT, OF(pf_rules, prices.currency) },
	{ "cpuCoreHour", PF_FIELD_NUMBER, OF(pf_rules, prices.cpu_core_hour), 0, 1e6 },
	{ "memoryGiBHour", PF_FIELD_NUMBER, OF(pf_rules, prices.memory_gib_hour), 0, 1e6 },
	{ NULL },
};

static const struct pf_field minimum_fields[] = {
	{ "cpu", PF_FIELD_CPU, OF(pf_rules, minimum[PF_VPA_CPU]) },
	{ "memory", PF_FIELD_MEMORY, OF(pf_rules, minimum[PF_VPA_MEMORY]) },
	{ NULL },
};

static const struct pf_field min_allowed_fields[] = {
	{ "cpu", PF_FIELD_CPU, OF(pf_rules, min_allowed[PF_VPA_CPU]) },
	{ "memory", PF_FIELD_MEMORY, OF(pf_rules, min_allowed[PF_VPA_MEMORY]) },
	{ NULL },
};

static const struct pf_field max_allowed_fields[] = {
	{ "cpu", PF_FIELD_CPU, OF(pf_rules, max_allowed[PF_VPA_CPU]) },
	{ "memory", PF_FIELD_MEMORY, OF(pf_rules, max_allowed[PF_VPA_MEMORY]) },
	{ NULL },
};

#define BASELINE(key, field, min, max)                                                             \
	{                                                                                          \
		key, PF_FIELD_NUMBER, OF(pf_rules, baseline.field), min, max                       \
	}

static const struct pf_field baseline_fields[] = {
	BASELINE("cpuHigh", cpu_high_ratio, 0, 10),
	BASELINE("cpuCritical", cpu_critical_ratio, 0, 10),
	BASELINE("cpuLow", cpu_low_ratio, 0, 10),
	{ "cpuLowMinimum", PF_FIELD_CPU, OF(pf_rules, baseline.cpu_low_min_millicores) },
	BASELINE("throttled", throttled_ratio, 0, 1),
	BASELINE("limitFactor", limit_factor, 1, 100),
	BASELINE("cpuBandLow", cpu_band_low, 0.01, 1),
	BASELINE("cpuBandHigh", cpu_band_high, 0.01, 1),
	BASELINE("cpuBandCritical", cpu_band_critical, 0.01, 1),
	BASELINE("memoryBandLow", memory_band_low, 0.01, 1),
	BASELINE("memoryBandHigh", memory_band_high, 0.01, 1),
	BASELINE("memoryBandCritical", memory_band_critical, 0.01, 1),
	{ NULL },
};

#define VPA_SHARE(key, field)                                                                      \
	{                                                                                          \
		key, PF_FIELD_NUMBER, OF(pf_rules, vpa.field), 0, 1                                \
	}
#define VPA_SPAN(key, field, days)                                                                 \
	{                                                                                          \
		key, PF_FIELD_NS, OF(pf_rules, vpa.field), 60, (days)*86400.0                      \
	}

/* The recommender's flags under their own names, in this file's spelling. */
static const struct pf_field vpa_fields[] = {
	{ "recommendationMarginFraction", PF_FIELD_NUMBER, OF(pf_rules, vpa.margin), 0, 10 },
	{ "podRecommendationMinCpuMillicores", PF_FIELD_NUMBER,
	  OF(pf_rules, vpa.min_cpu_millicores), 0, 1e9 },
	{ "podRecommendationMinMemoryMb", PF_FIELD_NUMBER, OF(pf_rules, vpa.min_memory_mib), 0,
	  1e9 },
	VPA_SHARE("targetCpuPercentile", target_percentile[PF_VPA_CPU]),
	VPA_SHARE("targetMemoryPercentile", target_percentile[PF_VPA_MEMORY]),
	VPA_SHARE("recommendationLowerBoundCpuPercentile", lower_percentile[PF_VPA_CPU]),
	VPA_SHARE("recommendationLowerBoundMemoryPercentile", lower_percentile[PF_VPA_MEMORY]),
	VPA_SHARE("recommendationUpperBoundCpuPercentile", upper_percentile[PF_VPA_CPU]),
	VPA_SHARE("recommendationUpperBoundMemoryPercentile", upper_percentile[PF_VPA_MEMORY]),
	VPA_SPAN("confidenceIntervalCpu", confidence_interval_ns[PF_VPA_CPU], 365),
	VPA_SPAN("confidenceIntervalMemory", confidence_interval_ns[PF_VPA_MEMORY], 365),
	{ "roundCpuMillicores", PF_FIELD_COUNT, OF(pf_rules, vpa.round_cpu_millicores), 1, 1e6 },
	{ "roundMemoryBytes", PF_FIELD_COUNT, OF(pf_rules, vpa.round_memory_bytes), 1, 1e12 },
	{ "humanizeMemory", PF_FIELD_BOOL, OF(pf_rules, vpa.humanize_memory) },
	{ NULL },
};

static const struct pf_field top_fields[] = {
	{ "apiVersion", PF_FIELD_OTHER },
	{ "kind", PF_FIELD_OTHER },
	{ "policy", PF_FIELD_CHOICE, OF(pf_rules, policy), .choices = policies },
	{ "history", PF_FIELD_HOURS, OF(pf_rules, history_hours), 0, 24 * 365 },
	{ "noisyWait", PF_FIELD_NUMBER, OF(pf_rules, noisy_wait_ratio), 0, 1000 },
	{ "heapShare", PF_FIELD_NUMBER, OF(pf_rules, heap_share), 0.05, 1 },
	{ "minimum", PF_FIELD_PART, .part = minimum_fields },
	{ "prices", PF_FIELD_PART, .part = prices_fields },
	{ "baseline", PF_FIELD_PART, .part = baseline_fields },
	{ "vpa", PF_FIELD_PART, .part = vpa_fields },
	{ "defaults", PF_FIELD_OTHER },
	{ "classes", PF_FIELD_OTHER },
	{ "rules", PF_FIELD_OTHER },
	{ NULL },
};

static const struct pf_field rule_fields[] = {
	{ "match", PF_FIELD_OTHER },
	{ "class", PF_FIELD_OTHER },
	{ "set", PF_FIELD_OTHER },
	{ "mode", PF_FIELD_OTHER },
	{ "controlledValues", PF_FIELD_OTHER },
	{ "controlledResources", PF_FIELD_OTHER },
	{ "policy", PF_FIELD_CHOICE, OF(pf_rules, policy), .choices = policies },
	{ "minAllowed", PF_FIELD_PART, .part = min_allowed_fields },
	{ "maxAllowed", PF_FIELD_PART, .part = max_allowed_fields },
	{ NULL },
};

static const struct pf_field match_fields[] = {
	{ "namespace", PF_FIELD_TEXT, OF(match, namespace_name) },
	{ "kind", PF_FIELD_TEXT, OF(match, kind) },
	{ "workload", PF_FIELD_TEXT, OF(match, workload) },
	{ "container", PF_FIELD_TEXT, OF(match, container) },
	{ "labels", PF_FIELD_OTHER },
	{ NULL },
};

/* ---- compiling ---- */

static const struct pf_class *find_class(const struct pf_policy *p, const char *name)
{
	for (size_t i = 0; i < p->nr_classes; i++)
		if (!strcmp(p->classes[i].name, name))
			return &p->classes[i];
	return pf_class_builtin(name);
}

static int unknown_class(const struct pf_policy *p, const struct pf_yaml *node,
			 struct pf_yaml_error *error)
{
	char known[160] = "";
	size_t len = 0;

	for (size_t i = 0; i < p->nr_classes && len < sizeof(known); i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%s, ",
					p->classes[i].name);
	for (size_t i = 0; pf_class_builtin_at(i) && len < sizeof(known); i++)
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s", i ? ", " : "",
					pf_class_builtin_at(i)->name);
	return pf_yaml_fail(error, node, "no such class: %.40s (there are: %s)", node->text, known);
}

static int compile_class(struct pf_policy *p, const struct pf_yaml *node,
			 struct pf_class *ret_class, struct pf_yaml_error *error)
{
	const struct pf_yaml *extends;
	int r = pf_decode_is(node, PF_YAML_MAPPING, "a class", error);

	if (r < 0)
		return r;
	*ret_class = p->base.class;
	extends = pf_yaml_get(node, "extends");
	if (extends) {
		const struct pf_class *from = find_class(p, extends->text);

		if (!from)
			return unknown_class(p, extends, error);
		*ret_class = *from;
	}
	ret_class->name = node->key;
	return pf_decode(node, class_fields, ret_class, error);
}

/* Room for the members of a mapping or list; a missing one has none. */
static int make_room(struct pf_policy *p, const struct pf_yaml *node, enum pf_yaml_kind kind,
		     const char *what, size_t max, size_t size, void **ret_room,
		     struct pf_yaml_error *error)
{
	int r;

	*ret_room = NULL;
	if (!node || node->is_null)
		return 0;
	r = pf_decode_is(node, kind, what, error);
	if (r < 0 || !node->nr)
		return r;
	if (node->nr > max)
		return pf_yaml_fail(error, node, "more than %zu %s", max, what);
	*ret_room = pf_arena_array(&p->arena, node->nr, size);
	return *ret_room ? 0 : p->arena.err;
}

static int compile_classes(struct pf_policy *p, const struct pf_yaml *node,
			   struct pf_yaml_error *error)
{
	void *room;
	int r = make_room(p, node, PF_YAML_MAPPING, "classes", CLASSES_MAX, sizeof(*p->classes),
			  &room, error);

	if (r < 0 || !room)
		return r;
	p->classes = room;
	pf_yaml_for_each(node, member)
	{
		r = compile_class(p, member, &p->classes[p->nr_classes], error);
		if (r < 0)
			return r;
		p->nr_classes++;
	}
	return 0;
}

static int compile_match(const struct pf_yaml *node, struct match *ret_match,
			 struct pf_yaml_error *error)
{
	const struct pf_yaml *labels;
	int r;

	if (!node)
		return 0;
	r = pf_decode_is(node, PF_YAML_MAPPING, "match", error);
	if (r == 0)
		r = pf_decode(node, match_fields, ret_match, error);
	if (r < 0)
		return r;
	if (ret_match->kind && pf_workload_kind_parse(ret_match->kind) == PF_WORKLOAD_UNKNOWN)
		return pf_yaml_fail(error, pf_yaml_get(node, "kind"),
				    "no such kind: %.40s (such as Deployment, StatefulSet)",
				    ret_match->kind);
	labels = pf_yaml_get(node, "labels");
	if (!labels)
		return 0;
	r = pf_decode_is(labels, PF_YAML_MAPPING, "labels", error);
	if (r < 0)
		return r;
	pf_yaml_for_each(labels, label)
	{
		r = pf_decode_is(label, PF_YAML_SCALAR, "a label", error);
		if (r < 0)
			return r;
	}
	ret_match->labels = labels;
	return 0;
}

static int compile_controlled(const struct pf_yaml *node, struct pf_rules *rules,
			      struct pf_yaml_error *error)
{
	int r = pf_decode_is(node, PF_YAML_LIST, "controlledResources", error);

	if (r < 0)
		return r;
	rules->controlled[PF_VPA_CPU] = rules->controlled[PF_VPA_MEMORY] = false;
	pf_yaml_for_each(node, item)
	{
		if (!strcmp(item->text, "cpu"))
			rules->controlled[PF_VPA_CPU] = true;
		else if (!strcmp(item->text, "memory"))
			rules->controlled[PF_VPA_MEMORY] = true;
		else
			return pf_yaml_fail(error, item,
					    "controlledResources: %.40s is neither cpu nor memory",
					    item->text);
	}
	return 0;
}

/* One of two words; @ret_second: it was the second. */
static int either(const struct pf_yaml *node, const char *first, const char *second,
		  bool *ret_second, struct pf_yaml_error *error)
{
	if (!node)
		return 0;
	if (strcmp(node->text, first) != 0 && strcmp(node->text, second) != 0)
		return pf_yaml_fail(error, node, "%s: %.40s is neither %s nor %s", node->key,
				    node->text, first, second);
	*ret_second = !strcmp(node->text, second);
	return 0;
}

static int check_bounds(const struct pf_yaml *node, const struct pf_rules *rules,
			struct pf_yaml_error *error)
{
	static const char *const names[] = { "cpu", "memory" };

	for (int r = 0; r < PF_VPA_NR_RESOURCES; r++)
		if (rules->max_allowed[r] && rules->min_allowed[r] > rules->max_allowed[r])
			return pf_yaml_fail(error, pf_yaml_get(node, "minAllowed"),
					    "minAllowed is above maxAllowed for %s", names[r]);
	return 0;
}

static int compile_rule(struct pf_policy *p, const struct pf_yaml *node, struct rule *rule,
			struct pf_yaml_error *error)
{
	const struct pf_yaml *class = pf_yaml_get(node, "class"), *set = pf_yaml_get(node, "set");
	const struct pf_yaml *controlled = pf_yaml_get(node, "controlledResources");
	struct pf_rules *rules = &rule->rules;
	int r = pf_decode_is(node, PF_YAML_MAPPING, "a rule", error);

	if (r < 0)
		return r;
	*rule = (struct rule){ .rules = p->base };
	if (class) {
		const struct pf_class *found = find_class(p, class->text);

		if (!found)
			return unknown_class(p, class, error);
		rules->class = *found;
	}
	r = pf_decode(node, rule_fields, rules, error);
	if (r == 0)
		r = compile_match(pf_yaml_get(node, "match"), &rule->match, error);
	if (r == 0 && set)
		r = pf_decode_is(set, PF_YAML_MAPPING, "set", error);
	if (r == 0 && set)
		r = pf_decode(set, class_fields, &rules->class, error);
	if (r == 0)
		r = either(pf_yaml_get(node, "mode"), "Auto", "Off", &rules->off, error);
	if (r == 0)
		r = either(pf_yaml_get(node, "controlledValues"), "RequestsAndLimits",
			   "RequestsOnly", &rules->requests_only, error);
	if (r == 0 && controlled)
		r = compile_controlled(controlled, rules, error);
	return r < 0 ? r : check_bounds(node, rules, error);
}

static int compile_rules(struct pf_policy *p, const struct pf_yaml *node,
			 struct pf_yaml_error *error)
{
	void *room;
	int r = make_room(p, node, PF_YAML_LIST, "rules", RULES_MAX, sizeof(*p->rules), &room,
			  error);

	if (r < 0 || !room)
		return r;
	p->rules = room;
	pf_yaml_for_each(node, member)
	{
		r = compile_rule(p, member, &p->rules[p->nr_rules], error);
		if (r < 0)
			return r;
		p->nr_rules++;
	}
	return 0;
}

static int check_header(const struct pf_yaml *root, struct pf_yaml_error *error)
{
	const struct pf_yaml *version = pf_yaml_get(root, "apiVersion"),
			     *kind = pf_yaml_get(root, "kind");

	if (version && strcmp(version->text, "podfit.io/v1") != 0)
		return pf_yaml_fail(error, version,
				    "apiVersion: %.40s, this podfit reads podfit.io/v1",
				    version->text);
	if (kind && strcmp(kind->text, "Policy") != 0)
		return pf_yaml_fail(error, kind, "kind: %.40s, this is read as a Policy",
				    kind->text);
	return 0;
}

static int compile(struct pf_policy *p, const struct pf_yaml *root, struct pf_yaml_error *error)
{
	const struct pf_yaml *defaults;
	int r = pf_decode_is(root, PF_YAML_MAPPING, "a policy", error);

	if (r == 0)
		r = check_header(root, error);
	if (r == 0)
		r = pf_decode(root, top_fields, &p->base, error);
	if (r < 0)
		return r;
	defaults = pf_yaml_get(root, "defaults");
	if (defaults && !defaults->is_null) {
		r = pf_decode_is(defaults, PF_YAML_MAPPING, "defaults", error);
		if (r == 0)
			r = pf_decode(defaults, class_fields, &p->base.class, error);
		if (r < 0)
			return r;
	}
	r = compile_classes(p, pf_yaml_get(root, "classes"), error);
	return r < 0 ? r : compile_rules(p, pf_yaml_get(root, "rules"), error);
}

int pf_policy_parse(const char *text, size_t len, struct pf_policy **ret_policy,
		    struct pf_yaml_error *error)
{
	PF_AUTO(pf_policy_freep) struct pf_policy *p = calloc(1, sizeof(*p));
	const struct pf_yaml *root = NULL;
	int r;

	if (!p)
		return -ENOMEM;
	pf_arena_init(&p->arena, ARENA_MAX);
	pf_rules_default(&p->base);
	r = pf_yaml_parse(text, len, &p->arena, &root, error);
	if (r == 0 && root)
		r = compile(p, root, error);
	if (r < 0)
		return r;
	*ret_policy = pf_take(p);
	return 0;
}

int pf_policy_load(const char *path, struct pf_policy **ret_policy, char *message,
		   size_t message_size)
{
	PF_AUTO(pf_buf_done) struct pf_buf text;
	struct pf_yaml_error error = { 0 };
	int r;

	pf_buf_init(&text, PF_YAML_TEXT_MAX + 1);
	r = pf_file_read(&pf_sys_real, AT_FDCWD, path, &text);
	if (r == 0)
		r = pf_policy_parse(text.data ? text.data : "", text.len, ret_policy, &error);
	if (r == -EINVAL)
		snprintf(message, message_size, "%s:%u:%u: %s", path, error.line, error.column,
			 error.reason);
	else if (r < 0)
		snprintf(message, message_size, "%s: %s", path, strerror(-r));
	return r;
}

void pf_policy_free(struct pf_policy *p)
{
	if (!p)
		return;
	pf_arena_done(&p->arena);
	free(p);
}

/* ---- using ---- */

static bool fits(const char *glob, const char *text)
{
	return !glob || fnmatch(glob, text, 0) == 0;
}

static bool labels_fit(const struct pf_yaml *globs, const struct pf_identity *identity)
{
	if (!globs)
		return true;
	pf_yaml_for_each(globs, glob)
	{
		bool found = false;

		for (uint32_t i = 0; i < identity->nr_labels && !found; i++)
			found = !strcmp(identity->labels[i].key, glob->key) &&
				fits(glob->text, identity->labels[i].value);
		if (!found)
			return false;
	}
	return true;
}

void pf_policy_rules(const struct pf_policy *p, const struct pf_identity *identity,
		     struct pf_rules *ret_rules)
{
	if (!p) {
		pf_rules_default(ret_rules);
		return;
	}
	for (size_t i = 0; i < p->nr_rules; i++) {
		const struct match *m = &p->rules[i].match;

		if (fits(m->namespace_name, identity->namespace_name) &&
		    fits(m->workload, identity->workload) &&
		    fits(m->container, identity->container) &&
		    fits(m->kind, pf_workload_kind_name(identity->workload_kind)) &&
		    labels_fit(m->labels, identity)) {
			*ret_rules = p->rules[i].rules;
			return;
		}
	}
	*ret_rules = p->base;
}

size_t pf_policy_nr_rules(const struct pf_policy *p)
{
	return p->nr_rules;
}

size_t pf_policy_nr_classes(const struct pf_policy *p)
{
	return p->nr_classes;
}
