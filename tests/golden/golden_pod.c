// SPDX-License-Identifier: Apache-2.0
/* What the admission controller and the updater do with a pod. */
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/vpa_update.h"
#include "golden/golden.h"

enum { MAX_CONTAINERS = 8, MAX_POLICIES = 8 };

static yajl_val of_container(yajl_val list, const char *name)
{
	for (size_t i = 0; i < golden_len(list); i++)
		if (!strcmp(golden_text(golden_at(list, i), "ctr"), name))
			return golden_at(list, i);
	return NULL;
}

static size_t read_pod(yajl_val item, struct pf_vpa_pod_container *ret)
{
	yajl_val pod = golden_get(item, "pod");
	size_t nr = PF_MIN(golden_len(pod), (size_t)MAX_CONTAINERS);

	for (size_t i = 0; i < nr; i++) {
		yajl_val c = golden_at(pod, i),
			 rec = of_container(golden_get(item, "rec"), golden_text(c, "ctr"));

		ret[i] = (struct pf_vpa_pod_container){
			.name = golden_text(c, "ctr"),
			.request = golden_amounts_of(c, "req"),
			.limit = golden_amounts_of(c, "lim"),
			.has_recommendation = rec != NULL,
			.recommendation = { .target = golden_amounts_of(rec, "target"),
					    .lower = golden_amounts_of(rec, "lower"),
					    .upper = golden_amounts_of(rec, "upper"),
					    .uncapped = golden_amounts_of(rec, "uncapped") },
		};
	}
	return nr;
}

static const struct pf_vpa_limit_range *read_range(yajl_val item, const char *key,
						   struct pf_vpa_limit_range *room)
{
	yajl_val v = golden_get(item, key);

	*room = (struct pf_vpa_limit_range){ golden_amounts_of(v, "min"),
					     golden_amounts_of(v, "max"),
					     golden_amounts_of(v, "default") };
	return v ? room : NULL;
}

void golden_policy(struct golden *g, yajl_val item)
{
	struct pf_vpa_container_policy policies[MAX_POLICIES];
	struct pf_vpa_pod_container cs[MAX_CONTAINERS];
	struct pf_vpa_limit_range container_room, pod_room;
	size_t nr = read_pod(item, cs), nr_policies = golden_policies(item, policies, MAX_POLICIES);
	const struct pf_vpa_limit_range *range =
		read_range(item, "limitrange_container", &container_room);

	pf_vpa_cap(cs, nr, policies, nr_policies, range,
		   read_range(item, "limitrange_pod", &pod_room));
	for (size_t i = 0; i < nr; i++) {
		yajl_val want = of_container(golden_get(item, "expect_processed"), cs[i].name);
		yajl_val pod = of_container(golden_get(item, "expect_pod"), cs[i].name);
		struct pf_vpa_amounts request, limit;

		golden_int(g, "has a recommendation", cs[i].has_recommendation, want != NULL);
		golden_amounts(g, "target", &cs[i].recommendation.target,
			       golden_get(want, "target"));
		golden_amounts(g, "lower", &cs[i].recommendation.lower, golden_get(want, "lower"));
		golden_amounts(g, "upper", &cs[i].recommendation.upper, golden_get(want, "upper"));

		pf_vpa_pod_resources(&cs[i], pf_vpa_policy_of(policies, nr_policies, cs[i].name),
				     range, &request, &limit);
		golden_amounts(g, "pod request", &request, golden_get(pod, "req"));
		golden_amounts(g, "pod limit", &limit, golden_get(pod, "lim"));
	}
}

void golden_updater(struct golden *g, yajl_val item)
{
	struct pf_vpa_container_policy policies[MAX_POLICIES];
	struct pf_vpa_pod_container cs[MAX_CONTAINERS];
	size_t nr = read_pod(item, cs), nr_policies = golden_policies(item, policies, MAX_POLICIES);
	yajl_val cfg = golden_get(item, "cfg"), killed = golden_get(item, "oom_killed_after_ms");
	struct pf_vpa_update_settings settings;
	struct pf_vpa_update_decision d;
	int64_t oom_after_ns[MAX_CONTAINERS];
	int64_t age_ms = golden_integer_of(item, "pod_age_ms", -1);

	pf_vpa_update_settings_default(&settings);
	settings.min_change = golden_number_of(cfg, "min_change", settings.min_change);
	settings.lifetime_ns =
		golden_integer_of(cfg, "lifetime_ms", settings.lifetime_ns / 1000000) * 1000000;
	settings.evict_after_oom_ns = golden_integer_of(cfg, "evict_after_oom_ms",
							settings.evict_after_oom_ns / 1000000) *
				      1000000;
	for (size_t i = 0; i < nr; i++) {
		int64_t ms = golden_integer_of(killed, cs[i].name, -1);

		oom_after_ns[i] = ms < 0 ? -1 : ms * 1000000;
	}
	pf_vpa_decide_update(cs, nr, policies, nr_policies, age_ms < 0 ? -1 : age_ms * 1000000,
			     oom_after_ns, &settings, &d);
	golden_int(g, "outside range", d.outside_range,
		   YAJL_IS_TRUE(golden_get(item, "expect_outside_range")));
	golden_int(g, "scale up", d.scale_up, YAJL_IS_TRUE(golden_get(item, "expect_scale_up")));
	golden_double(g, "resource diff", d.resource_diff,
		      golden_number_of(item, "expect_resource_diff", NAN));
	golden_int(g, "update", d.update, YAJL_IS_TRUE(golden_get(item, "expect_update")));
}
