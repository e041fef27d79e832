// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "policy/policy.h"
#include "unit/check.h"

static const struct error_case {
	const char *name, *text;
	unsigned line, column;
	const char *reason; /* how it begins */
} error_cases[] = {
	{ "not YAML", "rules: [", 2, 1, "did not find expected node content" },
	{ "a tab", "a:\n\tb: 1\n", 2, 1, "found character that cannot start any token" },
	{ "a list", "- a\n", 1, 1, "a policy is a mapping, not a list" },
	{ "unknown key", "policy: podfit\nprice: 3\n", 2, 1,
	  "no such key: price (there are: apiVersion, kind, policy" },
	{ "twice", "history: 1h\nhistory: 2h\n", 2, 1, "this key is already there" },
	{ "not one of", "policy: vpaa\n", 1, 9, "policy: vpaa is none of podfit, vpa, baseline" },
	{ "not a number", "noisyWait: lots\n", 1, 12, "noisyWait: lots is not a number" },
	{ "out of range", "heapShare: 1.2\n", 1, 12, "heapShare: 1.2 is not within 0.05 to 1" },
	{ "not a duration", "history: 24\n", 1, 10, "history: 24 is not a duration" },
	{ "too long a duration", "history: 2000w\n", 1, 10,
	  "history: 2000w is not within 0h to 8760h" },
	{ "not a quantity", "minimum:\n  cpu: ten\n", 2, 8,
	  "cpu: ten is not a quantity such as 250m" },
	{ "scalar for a mapping", "prices: 3\n", 1, 9, "prices is a mapping, not one value" },
	{ "mapping for a scalar", "policy: { a: b }\n", 1, 9,
	  "policy is one value, not a mapping" },
	{ "other version", "apiVersion: podfit.io/v2\n", 1, 13,
	  "apiVersion: podfit.io/v2, this podfit reads" },
	{ "other kind", "kind: Deployment\n", 1, 7, "kind: Deployment" },
	{ "rules as a mapping", "rules:\n  match: {}\n", 2, 3, "rules is a list, not a mapping" },
	{ "no such class", "rules:\n- class: apii\n", 2, 10,
	  "no such class: apii (there are: general, api-gateway" },
	{ "extends nothing", "classes:\n  a: { extends: b }\n", 2, 17, "no such class: b" },
	{ "unknown in a class", "classes:\n  a: { cpuMargn: 1 }\n", 2, 8, "no such key: cpuMargn" },
	{ "mode", "rules:\n- mode: Initial\n", 2, 9, "mode: Initial is neither Auto nor Off" },
	{ "controlledResources", "rules:\n- controlledResources: [cpu, disk]\n", 2, 30,
	  "controlledResources: disk is neither cpu nor memory" },
	{ "min above max", "rules:\n- minAllowed: { cpu: 2 }\n  maxAllowed: { cpu: 1 }\n", 2, 15,
	  "minAllowed is above maxAllowed for cpu" },
	{ "no such kind", "rules:\n- match: { kind: Deploymint }\n", 2, 18,
	  "no such kind: Deploymint" },
	{ "label as a list", "rules:\n- match: { labels: { a: [b] } }\n", 2, 25,
	  "a label is one value, not a list" },
	{ "alias", "defaults: &a\n  cpuMargin: 1\n", 1, 11, "anchors are not read here" },
	{ "two documents", "policy: vpa\n---\npolicy: vpa\n", 3, 1, "a second document" },
	{ "key that is a list", "? [a]\n: b\n", 1, 3, "a key is a plain word" },
	{ "too deep", "a: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n", 1, 19, "nested too deep" },
};

static void test_errors(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(error_cases); i++) {
		const struct error_case *c = &error_cases[i];
		PF_AUTO(pf_policy_freep) struct pf_policy *policy = NULL;
		struct pf_yaml_error error = { 0 };

		PF_CHECK_INT(c->name, pf_policy_parse(c->text, strlen(c->text), &policy, &error),
			     -EINVAL);
		PF_CHECK_INT(c->name, error.line, c->line);
		PF_CHECK_INT(c->name, error.column, c->column);
		error.reason[strlen(c->reason)] = '\0';
		PF_CHECK_STR(c->name, error.reason, c->reason);
	}
}

static struct pf_policy *policy_of(const char *text)
{
	struct pf_policy *policy = NULL;
	struct pf_yaml_error error = { 0 };

	PF_CHECK_INT(text, pf_policy_parse(text, strlen(text), &policy, &error), 0);
	PF_CHECK_STR(text, error.reason, "");
	return policy;
}

static struct pf_identity identity_of(const char *namespace_name, const char *workload,
				      const char *container)
{
	struct pf_identity id = { .workload_kind = PF_WORKLOAD_DEPLOYMENT };

	snprintf(id.namespace_name, sizeof(id.namespace_name), "%s", namespace_name);
	snprintf(id.workload, sizeof(id.workload), "%s", workload);
	snprintf(id.container, sizeof(id.container), "%s", container);
	return id;
}

static void test_empty(void)
{
	static const char *const texts[] = { "", "\n# nothing\n", "~\n",
					     "rules:\nclasses:\nprices:\n", "rules: []\n" };
	struct pf_identity id = identity_of("a", "b", "c");

	for (size_t i = 0; i < PF_ARRAY_SIZE(texts); i++) {
		PF_AUTO(pf_policy_freep) struct pf_policy *policy = policy_of(texts[i]);
		struct pf_rules got, want;

		pf_rules_default(&want);
		pf_policy_rules(policy, &id, &got);
		PF_CHECK(texts[i], !memcmp(&got, &want, sizeof(got)));
		pf_policy_rules(NULL, &id, &got);
		PF_CHECK("no policy", !memcmp(&got, &want, sizeof(got)));
	}
}

static void test_first_match_holds(void)
{
	PF_AUTO(pf_policy_freep)
	struct pf_policy *policy = policy_of(
		"defaults: { cpuRiskPrice: 4 }\n"
		"classes: { fast: { extends: database, throttlingBudget: 0.001 } }\n"
		"rules:\n"
		"- { match: { namespace: shop, workload: 'cart-*' }, class: fast, set: { cpuMargin: 0.5 },\n"
		"    minAllowed: { memory: 64Mi }, controlledResources: [cpu], controlledValues: RequestsOnly }\n"
		"- { match: { namespace: 'shop*' }, mode: Off }\n"
		"- { match: { kind: DaemonSet }, policy: vpa }\n");
	struct pf_identity cart = identity_of("shop", "cart-v2", "app"),
			   other = identity_of("shop-2", "x", "app");
	struct pf_identity daemon = identity_of("infra", "logs", "app"),
			   rest = identity_of("infra", "logs", "app");
	struct pf_rules r;

	daemon.workload_kind = PF_WORKLOAD_DAEMON_SET;
	pf_policy_rules(policy, &cart, &r);
	PF_CHECK_STR("class", r.class.name, "fast");
	PF_CHECK_NEAR("of the class", r.class.throttling_budget_ratio, 0.001, 0);
	PF_CHECK_NEAR("of what it extends", r.class.cpu_risk_price, 12, 0);
	PF_CHECK_NEAR("of the rule", r.class.cpu_margin_ratio, 0.5, 0);
	PF_CHECK_INT("minAllowed", r.min_allowed[PF_VPA_MEMORY], 64 << 20);
	PF_CHECK("controlled", r.controlled[PF_VPA_CPU] && !r.controlled[PF_VPA_MEMORY] &&
				       r.requests_only && !r.off);
	pf_policy_rules(policy, &other, &r);
	PF_CHECK("second rule", r.off && r.class.name == NULL);
	PF_CHECK_NEAR("defaults", r.class.cpu_risk_price, 4, 0);
	pf_policy_rules(policy, &daemon, &r);
	PF_CHECK_INT("third rule", r.policy, PF_POLICY_VPA);
	pf_policy_rules(policy, &rest, &r);
	PF_CHECK("none", r.policy == PF_POLICY_PODFIT && !r.off);
	PF_CHECK_INT("rules", pf_policy_nr_rules(policy), 3);
	PF_CHECK_INT("classes", pf_policy_nr_classes(policy), 1);
}

static void test_labels(void)
{
	PF_AUTO(pf_policy_freep)
	struct pf_policy *policy = policy_of(
		"rules:\n- { match: { labels: { tier: 'web*', app: '*' } }, mode: Off }\n");
	struct pf_label labels[] = { { (char *)"app", (char *)"x" },
				     { (char *)"tier", (char *)"web-1" } };
	struct pf_identity id = identity_of("a", "b", "c");
	struct pf_rules r;

	pf_policy_rules(policy, &id, &r);
	PF_CHECK("no labels", !r.off);
	id.labels = labels;
	id.nr_labels = 2;
	pf_policy_rules(policy, &id, &r);
	PF_CHECK("both", r.off);
	id.nr_labels = 1;
	pf_policy_rules(policy, &id, &r);
	PF_CHECK("one of two", !r.off);
}

/* The example says what the defaults are: it has to be right. */
static void test_example(void)
{
	PF_AUTO(pf_policy_freep) struct pf_policy *policy = NULL;
	struct pf_identity id = identity_of("a", "b", "c");
	struct pf_rules got, want;
	char message[512] = "";

	PF_CHECK_INT("load",
		     pf_policy_load("agent/policy/example.yaml", &policy, message, sizeof(message)),
		     0);
	PF_CHECK_STR("message", message, "");
	if (!policy)
		return;
	pf_rules_default(&want);
	pf_policy_rules(policy, &id, &got);
	PF_CHECK_STR("prices are an example", got.prices.currency, "EUR");
	want.prices = got.prices;
	PF_CHECK("all else is the default", !memcmp(&got, &want, sizeof(got)));
	PF_CHECK_INT("missing file",
		     pf_policy_load("agent/policy/none.yaml", &policy, message, sizeof(message)),
		     -ENOENT);
	PF_CHECK_STR("says so", message, "agent/policy/none.yaml: No such file or directory");
}

PF_TEST_SUITE(policy, { "errors", test_errors }, { "empty", test_empty },
	      { "first match holds", test_first_match_holds }, { "labels", test_labels },
	      { "example", test_example });
