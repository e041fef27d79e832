// SPDX-License-Identifier: Apache-2.0
/*
 * Samples in, recommendations out: a small cluster model around the code under test. Pods with
 * equal labels share an aggregate for each container name; a VPA object matches all pods and merges
 * them when it recommends.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "core/units.h"
#include "golden/golden.h"

enum { MAX_AGGREGATES = 32, MAX_INSTANCES = 32, MAX_NAMES = 8, MAX_POLICIES = 8 };

struct aggregate {
	const char *labels, *container;
	bool exists; /* false after garbage collection, until the next event */
	struct pf_vpa_aggregate a;
};

struct instance {
	const char *pod, *container;
	struct aggregate *aggregate;
	struct pf_vpa_instance i;
};

struct cluster {
	struct pf_vpa_settings settings;
	bool per_vpa; /* feature gate PerVPAConfig */
	yajl_val integer_cpu, policy_list;
	struct pf_vpa_container_policy policies[MAX_POLICIES];
	struct pf_vpa_memory_rules policy_rules[MAX_POLICIES];
	size_t nr_policies;
	const char *names[MAX_NAMES];		    /* of the containers, sorted */
	struct pf_vpa_aggregate initial[MAX_NAMES]; /* from checkpoints */
	size_t nr_names;
	struct aggregate aggregates[MAX_AGGREGATES];
	size_t nr_aggregates;
	struct instance instances[MAX_INSTANCES];
	size_t nr_instances;
	int64_t last_gc_ns;
};

static void read_settings(yajl_val cfg, struct pf_vpa_settings *s)
{
	static const char *const percentiles[PF_VPA_NR_RESOURCES][3] = {
		{ "target_cpu_pct", "lower_cpu_pct", "upper_cpu_pct" },
		{ "target_mem_pct", "lower_mem_pct", "upper_mem_pct" },
	};
	static const char *const confidence[] = { "confidence_cpu_ms", "confidence_mem_ms" };
	static const char *const half_life[] = { "cpu_half_life_ms", "mem_half_life_ms" };
	struct pf_vpa_amounts global_max = golden_amounts_of(cfg, "global_max");

	pf_vpa_settings_default(s);
	s->margin = golden_number_of(cfg, "margin", s->margin);
	s->min_cpu_millicores = golden_number_of(cfg, "min_cpu_m", s->min_cpu_millicores);
	s->min_memory_mib = golden_number_of(cfg, "min_mem_mb", s->min_memory_mib);
	for (int r = 0; r < PF_VPA_NR_RESOURCES; r++) {
		s->target_percentile[r] =
			golden_number_of(cfg, percentiles[r][0], s->target_percentile[r]);
		s->lower_percentile[r] =
			golden_number_of(cfg, percentiles[r][1], s->lower_percentile[r]);
		s->upper_percentile[r] =
			golden_number_of(cfg, percentiles[r][2], s->upper_percentile[r]);
		s->confidence_interval_ns[r] =
			golden_integer_of(cfg, confidence[r], 86400000) * 1000000;
		s->half_life_ns[r] = golden_integer_of(cfg, half_life[r], 86400000) * 1000000;
		s->global_max[r] = PF_MAX(global_max.of[r], 0);
	}
	s->memory_interval_ns = golden_integer_of(cfg, "mem_interval_ms", 86400000) * 1000000;
	s->memory_interval_count =
		golden_integer_of(cfg, "mem_interval_count", s->memory_interval_count);
	s->oom_bump_ratio = golden_number_of(cfg, "oom_ratio", s->oom_bump_ratio);
	s->oom_min_bump_bytes = golden_number_of(cfg, "oom_min_bytes", s->oom_min_bump_bytes);
	s->round_cpu_millicores = golden_integer_of(cfg, "round_cpu_m", 1);
	s->round_memory_bytes = golden_integer_of(cfg, "round_mem_bytes", 1);
	s->humanize_memory = YAJL_IS_TRUE(golden_get(cfg, "humanize_memory"));
}

static void read_policies(struct cluster *cl, yajl_val item)
{
	cl->policy_list = golden_get(item, "policies");
	cl->nr_policies = golden_policies(item, cl->policies, MAX_POLICIES);
	for (size_t i = 0; i < cl->nr_policies; i++) {
		struct pf_vpa_memory_rules *rules = &cl->policy_rules[i];
		yajl_val p = golden_at(cl->policy_list, i);

		pf_vpa_memory_rules_from(&cl->settings, rules);
		if (!cl->per_vpa)
			continue;
		if (golden_get(p, "oom_ratio_milli"))
			rules->oom_bump_ratio = golden_number_of(p, "oom_ratio_milli", 0) / 1000;
		rules->oom_min_bump_bytes =
			golden_number_of(p, "oom_min_bytes", rules->oom_min_bump_bytes);
		if (golden_get(p, "mem_interval_s"))
			rules->interval_ns = golden_integer_of(p, "mem_interval_s", 0) * 1000000000;
		rules->interval_count =
			golden_integer_of(p, "mem_interval_count", rules->interval_count);
	}
}

static struct pf_vpa_memory_rules rules_of(const struct cluster *cl, const char *container)
{
	const struct pf_vpa_container_policy *policy =
		pf_vpa_policy_of(cl->policies, cl->nr_policies, container);
	struct pf_vpa_memory_rules rules;

	if (policy)
		return cl->policy_rules[policy - cl->policies];
	pf_vpa_memory_rules_from(&cl->settings, &rules);
	return rules;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_name(struct cluster *cl, const char *name)
{
	for (size_t i = 0; i < cl->nr_names; i++)
		if (!strcmp(cl->names[i], name))
			return;
	assert(cl->nr_names < MAX_NAMES);
	cl->names[cl->nr_names++] = name;
	qsort(cl->names, cl->nr_names, sizeof(cl->names[0]), by_name);
}

static struct aggregate *aggregate_of(struct cluster *cl, const char *labels, const char *container)
{
	struct aggregate *a;

	for (size_t i = 0; i < cl->nr_aggregates; i++) {
		a = &cl->aggregates[i];
		if (!strcmp(a->labels, labels) && !strcmp(a->container, container))
			return a;
	}
	assert(cl->nr_aggregates < MAX_AGGREGATES);
	a = &cl->aggregates[cl->nr_aggregates++];
	*a = (struct aggregate){ .labels = labels, .container = container, .exists = true };
	pf_vpa_aggregate_init(&a->a, &cl->settings);
	return a;
}

static void read_pods(struct cluster *cl, yajl_val pods)
{
	for (size_t i = 0; i < golden_len(pods); i++) {
		yajl_val pod = golden_at(pods, i), names = golden_get(pod, "ctrs");

		for (size_t k = 0; k < golden_len(names); k++) {
			const char *container = golden_string(golden_at(names, k));
			struct instance *in = &cl->instances[cl->nr_instances++];

			assert(cl->nr_instances <= MAX_INSTANCES);
			*in = (struct instance){
				.pod = golden_text(pod, "pod"),
				.container = container,
				.aggregate = aggregate_of(cl, golden_text(pod, "labels"), container)
			};
			pf_vpa_instance_init(&in->i);
			add_name(cl, container);
		}
	}
	for (size_t i = 0; i < cl->nr_names; i++)
		pf_vpa_aggregate_init(&cl->initial[i], &cl->settings);
}

/* Everything known about a container name: its aggregates and what came from a checkpoint. */
static void merge(struct cluster *cl, size_t name, struct pf_vpa_aggregate *ret)
{
	pf_vpa_aggregate_init(ret, &cl->settings);
	for (size_t i = 0; i < cl->nr_aggregates; i++)
		if (cl->aggregates[i].exists &&
		    !strcmp(cl->aggregates[i].container, cl->names[name]))
			pf_vpa_aggregate_merge(ret, &cl->aggregates[i].a);
	pf_vpa_aggregate_merge(ret, &cl->initial[name]);
}

/* ---- evaluations ---- */

static void check_text(struct golden *g, const char *what, int64_t bytes, const char *want)
{
	uint64_t parsed;
	size_t len = strlen(want);

	/* The text is a canonical quantity, in thousandths of a byte where it has to be. */
	if (len && want[len - 1] == 'm')
		parsed = (strtoull(want, NULL, 10) + 999) / 1000;
	else if (pf_parse_memory_quantity(want, &parsed) < 0)
		parsed = 0;
	golden_int(g, what, bytes, (int64_t)parsed);
}

static bool opted_in(yajl_val list, const char *name)
{
	for (size_t i = 0; i < golden_len(list); i++)
		if (!strcmp(golden_string(golden_at(list, i)), name))
			return true;
	return false;
}

static void check_one(struct golden *g, struct cluster *cl, size_t name, unsigned nr, yajl_val want)
{
	const struct pf_vpa_container_policy *policy =
		pf_vpa_policy_of(cl->policies, cl->nr_policies, cl->names[name]);
	yajl_val text = golden_get(want, "mem_text");
	struct pf_vpa_aggregate merged;
	struct pf_vpa_recommendation rec;

	merge(cl, name, &merged);
	pf_vpa_recommend(&merged, &cl->settings, policy, opted_in(cl->integer_cpu, cl->names[name]),
			 nr, &rec);
	if (strcmp(golden_text(want, "ctr"), cl->names[name]) != 0)
		golden_fail(g, "recommendation for %s, want %s", cl->names[name],
			    golden_text(want, "ctr"));
	golden_amounts(g, "target", &rec.target, golden_get(want, "target"));
	golden_amounts(g, "lower", &rec.lower, golden_get(want, "lower"));
	golden_amounts(g, "upper", &rec.upper, golden_get(want, "upper"));
	golden_amounts(g, "uncapped", &rec.uncapped, golden_get(want, "uncapped"));
	if (golden_get(text, "target"))
		check_text(g, "humanised target", rec.target.of[PF_VPA_MEMORY],
			   golden_text(text, "target"));
	if (golden_get(text, "upper"))
		check_text(g, "humanised upper", rec.upper.of[PF_VPA_MEMORY],
			   golden_text(text, "upper"));
}

static void check_state(struct golden *g, const struct cluster *cl, yajl_val want)
{
	static const double p[] = { 0.5, 0.9, 0.95 };
	const struct aggregate *a = NULL;
	yajl_val windows = golden_get(want, "windows"), weights = golden_get(want, "mem_w");
	double memory[PF_VPA_NR_BUCKETS] = { 0 };

	for (size_t i = 0; i < cl->nr_aggregates; i++)
		if (!strcmp(cl->aggregates[i].labels, golden_text(want, "labels")) &&
		    !strcmp(cl->aggregates[i].container, golden_text(want, "ctr")))
			a = &cl->aggregates[i];
	if (!a) {
		golden_fail(g, "state of an unknown aggregate");
		return;
	}
	golden_int(g, "samples", a->a.nr_samples, golden_integer_of(want, "samples", -1));
	golden_int(g, "first", golden_ms(a->a.first_ns), golden_integer_of(want, "first", 0));
	golden_int(g, "last", golden_ms(a->a.last_ns), golden_integer_of(want, "last", 0));
	golden_int(g, "CPU reference", golden_ms(a->a.cpu.reference_ns),
		   golden_integer_of(want, "cpu_ref", 0));
	golden_int(g, "memory reference", golden_ms(a->a.memory.reference_ns),
		   golden_integer_of(want, "mem_ref", 0));
	golden_double(g, "CPU total", a->a.cpu.total, golden_number_of(want, "cpu_total", NAN));
	golden_double(g, "memory total", a->a.memory.total,
		      golden_number_of(want, "mem_total", NAN));
	for (size_t i = 0; i < PF_ARRAY_SIZE(p); i++) {
		golden_double(g, "CPU percentile", pf_vpa_hist_percentile(&a->a.cpu, p[i]),
			      golden_number(golden_at(golden_get(want, "cpu_p50_p90_p95"), i)));
		golden_double(g, "memory percentile", pf_vpa_hist_percentile(&a->a.memory, p[i]),
			      golden_number(golden_at(golden_get(want, "mem_p50_p90_p95"), i)));
	}
	for (size_t i = 0; i < golden_len(weights); i++)
		memory[golden_integer(golden_at(golden_at(weights, i), 0))] =
			golden_number(golden_at(golden_at(weights, i), 1));
	for (int i = 0; i < PF_VPA_NR_BUCKETS; i++)
		golden_double(g, "memory weight", a->a.memory.weight[i], memory[i]);
	for (size_t i = 0; i < cl->nr_instances; i++) {
		const struct instance *in = &cl->instances[i];

		for (size_t k = 0; in->aggregate == a && k < golden_len(windows); k++) {
			yajl_val w = golden_at(windows, k);

			if (strcmp(golden_text(w, "pod"), in->pod) != 0)
				continue;
			golden_int(g, "peak", in->i.peak_bytes, golden_integer_of(w, "peak", -1));
			golden_int(g, "OOM peak", in->i.oom_peak_bytes,
				   golden_integer_of(w, "oom_peak", -1));
			golden_int(g, "newest memory sample", golden_ms(in->i.last_memory_ns),
				   golden_integer_of(w, "last", 0));
			golden_int(g, "end of interval", golden_ms(in->i.interval_end_ns),
				   golden_integer_of(w, "end", 0));
		}
	}
}

static void evaluate(struct golden *g, struct cluster *cl, yajl_val eval)
{
	yajl_val recs = golden_get(eval, "rec"), state = golden_get(eval, "state");
	bool on[MAX_NAMES];
	unsigned nr = 0;
	size_t k = 0;

	for (size_t i = 0; i < cl->nr_names; i++) {
		const struct pf_vpa_container_policy *policy =
			pf_vpa_policy_of(cl->policies, cl->nr_policies, cl->names[i]);

		on[i] = !(policy && policy->off);
		nr += on[i];
	}
	golden_int(g, "number of recommendations", nr, (int64_t)golden_len(recs));
	for (size_t i = 0; i < cl->nr_names; i++)
		if (on[i])
			check_one(g, cl, i, nr, golden_at(recs, k++));
	for (size_t i = 0; i < golden_len(state); i++)
		check_state(g, cl, golden_at(state, i));
}

/* ---- what happens ---- */

static void collect_garbage(struct cluster *cl, int64_t now_ns)
{
	if (cl->last_gc_ns != PF_VPA_NO_TIME && now_ns - cl->last_gc_ns < (int64_t)PF_NS_PER_HOUR)
		return;
	cl->last_gc_ns = now_ns;
	for (size_t i = 0; i < cl->nr_aggregates; i++) {
		struct pf_vpa_memory_rules rules = rules_of(cl, cl->aggregates[i].container);

		if (pf_vpa_aggregate_is_expired(&cl->aggregates[i].a, &rules, now_ns)) {
			cl->aggregates[i].exists = false;
			pf_vpa_aggregate_init(&cl->aggregates[i].a, &cl->settings);
		}
	}
}

static void restart(struct golden *g, struct cluster *cl, int64_t now_ns, yajl_val wanted)
{
	struct pf_vpa_checkpoint saved[MAX_NAMES];
	size_t next = 0;

	for (size_t n = 0; n < cl->nr_names; n++) {
		struct pf_vpa_aggregate merged;

		merge(cl, n, &merged);
		for (size_t i = 0; i < cl->nr_instances; i++)
			if (!strcmp(cl->instances[i].container, cl->names[n]))
				pf_vpa_forget_open_peak(&merged, &cl->instances[i].i, now_ns);
		pf_vpa_aggregate_save(&merged, &saved[n]);
	}
	for (size_t i = 0; i < golden_len(wanted); i++) {
		yajl_val want = golden_at(wanted, i);

		if (golden_time(golden_integer_of(want, "t", 0)) != now_ns)
			continue;
		while (next < cl->nr_names &&
		       strcmp(cl->names[next], golden_text(want, "ctr")) != 0)
			next++;
		if (next == cl->nr_names) {
			golden_fail(g, "no checkpoint of %s", golden_text(want, "ctr"));
			return;
		}
		golden_int(g, "saved first", golden_ms(saved[next].first_ns),
			   golden_integer_of(want, "first", 0));
		golden_int(g, "saved last", golden_ms(saved[next].last_ns),
			   golden_integer_of(want, "last", 0));
		golden_int(g, "saved samples", saved[next].nr_samples,
			   golden_integer_of(want, "samples", -1));
		golden_hist_checkpoint(g, &saved[next].cpu, golden_get(want, "cpu"));
		golden_hist_checkpoint(g, &saved[next].memory, golden_get(want, "mem"));
	}
	for (size_t i = 0; i < cl->nr_aggregates; i++)
		pf_vpa_aggregate_init(&cl->aggregates[i].a, &cl->settings);
	for (size_t i = 0; i < cl->nr_instances; i++)
		pf_vpa_instance_init(&cl->instances[i].i);
	for (size_t n = 0; n < cl->nr_names; n++) {
		pf_vpa_aggregate_init(&cl->initial[n], &cl->settings);
		if (pf_vpa_aggregate_load(&cl->initial[n], &saved[n]) < 0)
			golden_fail(g, "cannot load what was saved");
	}
}

struct event {
	int64_t at_ns, value;
	size_t series, position;
	bool accepted;
};

static int by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	if (x->series != y->series)
		return x->series < y->series ? -1 : 1;
	return x->position < y->position ? -1 : x->position > y->position;
}

static struct event *read_events(yajl_val series, bool sorted, size_t *ret_nr)
{
	size_t nr = 0, n = 0;
	struct event *events;

	for (size_t s = 0; s < golden_len(series); s++)
		nr += golden_len(golden_get(golden_at(series, s), "v"));
	events = calloc(nr + 1, sizeof(*events));
	assert(events);
	for (size_t s = 0; s < golden_len(series); s++) {
		yajl_val one = golden_at(series, s), v = golden_get(one, "v"),
			 t = golden_get(one, "t");
		int64_t t0 = golden_integer_of(one, "t0", 0), dt = golden_integer_of(one, "dt", 0);

		for (size_t i = 0; i < golden_len(v); i++)
			events[n++] = (struct event){
				.at_ns = golden_time(t ? golden_integer(golden_at(t, i))
						       : t0 + (int64_t)i * dt),
				.value = golden_integer(golden_at(v, i)),
				.series = s,
				.position = i,
			};
	}
	if (sorted)
		qsort(events, nr, sizeof(*events), by_time);
	*ret_nr = nr;
	return events;
}

static void feed(struct cluster *cl, yajl_val series, struct event *e)
{
	yajl_val s = golden_at(series, e->series);
	const char *res = golden_text(s, "res");

	for (size_t i = 0; i < cl->nr_instances; i++) {
		struct instance *in = &cl->instances[i];
		struct pf_vpa_memory_rules rules;

		if (strcmp(in->pod, golden_text(s, "pod")) != 0 ||
		    strcmp(in->container, golden_text(s, "ctr")) != 0)
			continue;
		in->aggregate->exists = true;
		rules = rules_of(cl, in->container);
		if (!strcmp(res, "cpu"))
			e->accepted = pf_vpa_add_cpu(&in->aggregate->a, &in->i, e->value, e->at_ns);
		else if (!strcmp(res, "mem"))
			e->accepted = pf_vpa_add_memory(&in->aggregate->a, &in->i, &rules, e->value,
							e->at_ns);
		else
			e->accepted = pf_vpa_add_oom(&in->aggregate->a, &in->i, &rules, e->value,
						     e->at_ns);
	}
}

static void check_accepted(struct golden *g, yajl_val series, const struct event *events, size_t nr)
{
	for (size_t s = 0; s < golden_len(series); s++) {
		yajl_val one = golden_at(series, s), rejected = golden_get(one, "rejected");
		int64_t accepted = 0;

		for (size_t i = 0; i < nr; i++) {
			bool want = true;

			if (events[i].series != s)
				continue;
			for (size_t k = 0; k < golden_len(rejected); k++)
				want = want && golden_integer(golden_at(rejected, k)) !=
						       (int64_t)events[i].position;
			if (events[i].accepted != want)
				golden_fail(g, "series %zu event %zu: accepted %d", s,
					    events[i].position, events[i].accepted);
			accepted += events[i].accepted;
		}
		golden_int(g, "accepted", accepted, golden_integer_of(one, "accepted", accepted));
	}
}

/* The next of a list of times, or the end of time. */
static int64_t next_time(yajl_val list, size_t i)
{
	yajl_val v = golden_at(list, i);

	if (YAJL_IS_OBJECT(v))
		v = golden_get(v, "t");
	return v ? golden_time(golden_integer(v)) : INT64_MAX;
}

void golden_e2e(struct golden *g, yajl_val item)
{
	static struct cluster cl; /* 250 KiB: too large for the stack under the sanitizers */
	yajl_val cfg = golden_get(item, "cfg"), series = golden_get(item, "series");
	yajl_val gc = golden_get(item, "gc"), restarts = golden_get(item, "restarts"),
		 evals = golden_get(item, "evals");
	bool sorted = !strcmp(golden_text(item, "order"), "time");
	size_t nr, next_gc = 0, next_restart = 0, next_eval = 0;
	PF_AUTO(pf_freep) struct event *events = read_events(series, sorted, &nr);

	cl = (struct cluster){ .per_vpa = YAJL_IS_TRUE(golden_get(cfg, "gate_per_vpa_config")),
			       .integer_cpu = golden_get(cfg, "integer_cpu_containers"),
			       .last_gc_ns = PF_VPA_NO_TIME };
	read_settings(cfg, &cl.settings);
	read_policies(&cl, item);
	read_pods(&cl, golden_get(item, "pods"));

	for (size_t i = 0; i <= nr; i++) {
		int64_t until_ns = i < nr ? events[i].at_ns : INT64_MAX - 1;

		/* At one time: garbage collection, restarts, evaluations, then samples. */
		for (;;) {
			int64_t t_gc = next_time(gc, next_gc),
				t_restart = next_time(restarts, next_restart);
			int64_t t_eval = next_time(evals, next_eval);
			int64_t t = PF_MIN(t_gc, PF_MIN(t_restart, t_eval));

			if (!sorted || t > until_ns)
				break;
			if (t == t_gc)
				collect_garbage(
					&cl, golden_time(golden_integer(golden_at(gc, next_gc++))));
			else if (t == t_restart) {
				restart(g, &cl, t, golden_get(item, "checkpoints"));
				next_restart++;
			} else
				evaluate(g, &cl, golden_at(evals, next_eval++));
		}
		if (i < nr)
			feed(&cl, series, &events[i]);
	}
	while (next_eval < golden_len(evals))
		evaluate(g, &cl, golden_at(evals, next_eval++));
	check_accepted(g, series, events, nr);
}
