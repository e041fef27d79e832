// SPDX-License-Identifier: Apache-2.0
#include "core/filter.h"

#include <errno.h>

#include "unit/check.h"

static const struct pf_label labels[] = { { (char *)"app", (char *)"web" },
					  { (char *)"podfit.io/class", (char *)"api" } };

static const struct pf_identity web = {
	.namespace_name = "shop",
	.pod = "web-666b86c774-vcx44",
	.container = "app",
	.workload = "web",
	.workload_kind = PF_WORKLOAD_DEPLOYMENT,
	.qos = PF_QOS_BURSTABLE,
	.labels = labels,
	.nr_labels = PF_ARRAY_SIZE(labels),
};

static const struct match_case {
	const char *text;
	bool want;
} match_cases[] = {
	{ "", true },
	{ "namespace=shop", true },
	{ "namespace=sho", false },
	{ "namespace=Shop", false },
	{ "namespace=batch|shop", true },
	{ "namespace!=shop", false },
	{ "namespace!=batch|kube-*", true },
	{ "namespace=shop,workload=api", false },
	{ " namespace = shop , container = a?p ", true },
	{ "pod=web-*-vcx44", true },
	{ "pod=web-*-x", false },
	{ "kind=Deployment", true },
	{ "qos=BestEffort", false },
	{ "label.app=web", true },
	{ "label:app=web", true },
	{ "node=node-*", true },
	{ "node!=node-a", false },
	{ "web-666*", true },
	{ "label.podfit.io/class=a*", true },
	{ "label.gone=", true },
	{ "label.gone=*", true },
	{ "label.gone=?*", false },
	{ "label.gone!=1", true },
	{ "label.app!=web", false },
	{ "web", true },
	{ "app", true },
	{ "shop", true },
	{ "we", false },
	{ "we*", true },
	{ "shop/web", true },
	{ "web/shop", false },
	{ "shop/*/app", true },
	{ "shop/*/log", false },
	{ "*a*b*a*", false },
	{ "*e*", true },
};

static void test_match(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(match_cases); i++) {
		PF_AUTO(pf_filter_freep) struct pf_filter *filter = NULL;
		char error[256] = "";

		PF_CHECK_INT(match_cases[i].text,
			     pf_filter_parse(match_cases[i].text, &filter, error, sizeof(error)),
			     0);
		PF_CHECK_INT(match_cases[i].text, pf_filter_match(filter, "node-a", &web),
			     match_cases[i].want);
	}
	PF_CHECK("no filter", pf_filter_match(NULL, NULL, &web));
}

static const struct bad_case {
	const char *text, *says;
} bad_cases[] = {
	{ "namespaces=shop", "no key 'namespaces'" },
	{ "label.=x", "no key 'label.'" },
	{ "=x", "no key ''" },
	{ "a,,b", "empty term" },
	{ "a,", "empty term" },
	{ "a/b/c/d", "NAMESPACE/WORKLOAD/CONTAINER" },
};

static void test_bad(void)
{
	char text[4200], error[256];
	PF_AUTO(pf_filter_freep) struct pf_filter *filter = NULL;

	for (size_t i = 0; i < PF_ARRAY_SIZE(bad_cases); i++) {
		error[0] = '\0';
		PF_CHECK_INT(bad_cases[i].text,
			     pf_filter_parse(bad_cases[i].text, &filter, error, sizeof(error)),
			     -EINVAL);
		PF_CHECK(error, strstr(error, bad_cases[i].says));
	}
	memset(text, 'a', sizeof(text));
	text[4097] = '\0';
	PF_CHECK_INT("long", pf_filter_parse(text, &filter, error, sizeof(error)), -ENOSPC);
	for (size_t i = 0; i < 130; i++)
		text[i] = i % 2 ? ',' : 'a';
	text[129] = '\0';
	PF_CHECK_INT("many", pf_filter_parse(text, &filter, error, sizeof(error)), -ENOSPC);
	PF_CHECK("untouched", !filter);
}

PF_TEST_SUITE(filter, { "match", test_match }, { "bad", test_bad });
