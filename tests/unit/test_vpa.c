// SPDX-License-Identifier: Apache-2.0
/* What the golden vectors do not reach: bounds, refused arguments, checkpoint texts. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/units.h"
#include "core/vpa_apply.h"
#include "core/vpa_math.h"
#include "report/vpa_checkpoint.h"
#include "unit/check.h"

static void test_scales(void)
{
	struct pf_vpa_scale scale;

	PF_CHECK_INT("CPU", pf_vpa_scale_exponential(1000, 0.01, 1.05, 1e-4, &scale), 0);
	PF_CHECK("CPU table", !memcmp(scale.start, pf_vpa_cpu_scale.start, sizeof(scale.start)));
	PF_CHECK_INT("memory", pf_vpa_scale_exponential(1e12, 1e7, 1.05, 1e-4, &scale), 0);
	PF_CHECK("memory table",
		 !memcmp(scale.start, pf_vpa_memory_scale.start, sizeof(scale.start)));
	PF_CHECK_INT("ratio 1", pf_vpa_scale_exponential(1000, 0.01, 1, 1e-4, &scale), -EINVAL);
	PF_CHECK_INT("no maximum", pf_vpa_scale_exponential(INFINITY, 0.01, 1.05, 1e-4, &scale),
		     -EINVAL);
	PF_CHECK_INT("too many", pf_vpa_scale_linear(1000, 0.01, 1e-4, &scale), -ENOSPC);
	PF_CHECK_INT("no width", pf_vpa_scale_linear(1000, 0, 1e-4, &scale), -EINVAL);
}

static void test_far_values(void)
{
	PF_CHECK_INT("negative", pf_vpa_scale_bucket(&pf_vpa_cpu_scale, -1e300), 0);
	PF_CHECK_INT("huge", pf_vpa_scale_bucket(&pf_vpa_cpu_scale, 1e300), PF_VPA_NR_BUCKETS - 1);
	PF_CHECK_INT("NaN", pf_vpa_amount(NAN), 0);
	PF_CHECK_INT("infinity", pf_vpa_amount(INFINITY), 100000000000000);
	PF_CHECK_INT("negative amount", pf_vpa_amount(-5), 0);
	PF_CHECK_NEAR("exp2 under", pf_vpa_exp2(-1e300), 0, 0);
	PF_CHECK("exp2 over", isinf(pf_vpa_exp2(1e300)));
	PF_CHECK_NEAR("infinity^-2", pf_vpa_powi(INFINITY, -2), 0, 0);
}

static void test_time_diff(void)
{
	PF_CHECK_INT("plain", pf_vpa_time_diff(5, 3), 2);
	PF_CHECK_INT("since never", pf_vpa_time_diff(5, PF_VPA_NO_TIME), INT64_MAX);
	PF_CHECK_INT("never since", pf_vpa_time_diff(PF_VPA_NO_TIME, 5), INT64_MIN);
	PF_CHECK_INT("never twice", pf_vpa_time_diff(PF_VPA_NO_TIME, PF_VPA_NO_TIME), 0);
	PF_CHECK_INT("saturates", pf_vpa_time_diff(INT64_MAX, -5), INT64_MAX);
}

static const struct proportion_case {
	const char *name;
	int64_t limit, request, recommendation, default_limit, want;
} proportion_cases[] = {
	{ "kept in proportion", 400, 100, 150, PF_VPA_ABSENT, 600 },
	{ "rounds down", 10, 3, 4, PF_VPA_ABSENT, 13 },
	{ "no limit", PF_VPA_ABSENT, 100, 150, PF_VPA_ABSENT, PF_VPA_ABSENT },
	{ "default limit", 0, 100, 150, 200, 300 },
	{ "no request", 400, 0, 150, PF_VPA_ABSENT, 150 },
	{ "equal", 400, 400, 150, PF_VPA_ABSENT, 150 },
	{ "no recommendation", 400, 100, PF_VPA_ABSENT, PF_VPA_ABSENT, PF_VPA_ABSENT },
	{ "does not wrap", INT64_MAX, 2, 100, PF_VPA_ABSENT, INT64_MAX },
};

static void test_proportional_limit(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(proportion_cases); i++) {
		const struct proportion_case *c = &proportion_cases[i];

		PF_CHECK_INT(c->name,
			     pf_vpa_proportional_limit(c->limit, c->request, c->recommendation,
						       c->default_limit),
			     c->want);
	}
}

static void test_humanize(void)
{
	char text[PF_VPA_QUANTITY_MAX];

	pf_vpa_humanize(1610612736, text);
	PF_CHECK_STR("1.5 GiB", text, "1.50Gi");
	PF_CHECK_INT("exact", pf_vpa_humanized(1610612736), 1610612736);
	pf_vpa_humanize(1023, text);
	PF_CHECK_STR("bytes", text, "1023");
	PF_CHECK_INT("0.01 Ki has a fraction of a byte", pf_vpa_humanized(1025), 1024);
	PF_CHECK_INT("1.01 Ki rounds up", pf_vpa_humanized(1034), 1035);
}

/* The memory of a pod that starts with 0 bytes is ignored for its whole first interval: so does the
 * real VPA. */
static void test_zero_first_sample(void)
{
	struct pf_vpa_settings settings;
	struct pf_vpa_memory_rules rules;
	struct pf_vpa_aggregate a;
	struct pf_vpa_instance in;
	int64_t t = 1780000000ll * (int64_t)PF_NS_PER_S;

	pf_vpa_settings_default(&settings);
	pf_vpa_memory_rules_from(&settings, &rules);
	pf_vpa_aggregate_init(&a, &settings);
	pf_vpa_instance_init(&in);
	PF_CHECK("zero", pf_vpa_add_memory(&a, &in, &rules, 0, t));
	PF_CHECK("taken, without effect", pf_vpa_add_memory(&a, &in, &rules, 500000000, t + 1));
	PF_CHECK_NEAR("first bucket", pf_vpa_hist_percentile(&a.memory, 0.9), 1e7, 0);
	PF_CHECK("next interval",
		 pf_vpa_add_memory(&a, &in, &rules, 500000000, t + (int64_t)PF_NS_PER_DAY));
	PF_CHECK("now it counts", pf_vpa_hist_percentile(&a.memory, 0.9) > 500000000);
	PF_CHECK("older than the newest", !pf_vpa_add_memory(&a, &in, &rules, 1, t));
	PF_CHECK("negative CPU", !pf_vpa_add_cpu(&a, &in, -1, t));
}

static const struct text_case {
	const char *name, *text, *reason;
} text_cases[] = {
	{ "empty", "", "not JSON" },
	{ "cut", "{\"version\":\"v3\"", "not JSON" },
	{ "array", "[1]", "version is not v3" },
	{ "old version", "{\"version\":\"v2\"}", "version is not v3" },
	{ "no histogram", "{\"version\":\"v3\"}", "a histogram is missing or not an object" },
	{ "negative total", "{\"version\":\"v3\",\"cpuHistogram\":{\"totalWeight\":-1}}",
	  "totalWeight is negative" },
	{ "total as text", "{\"version\":\"v3\",\"cpuHistogram\":{\"totalWeight\":\"1\"}}",
	  "totalWeight is not a finite number" },
	{ "infinite total", "{\"version\":\"v3\",\"cpuHistogram\":{\"totalWeight\":1e999}}",
	  "totalWeight is not a finite number" },
	{ "bucket 176", "{\"version\":\"v3\",\"cpuHistogram\":{\"bucketWeights\":{\"176\":1}}}",
	  "a bucket index is not within 0..175" },
	{ "bucket x", "{\"version\":\"v3\",\"cpuHistogram\":{\"bucketWeights\":{\"x\":1}}}",
	  "a bucket index is not within 0..175" },
	{ "weight 1.5", "{\"version\":\"v3\",\"cpuHistogram\":{\"bucketWeights\":{\"1\":1.5}}}",
	  "a bucket weight is not a 32-bit count" },
	{ "bad time",
	  "{\"version\":\"v3\",\"cpuHistogram\":{\"referenceTimestamp\":\"yesterday\"}}",
	  "referenceTimestamp is not a time" },
	{ "month 13",
	  "{\"version\":\"v3\",\"cpuHistogram\":{\"referenceTimestamp\":\"2026-13-01T00:00:00Z\"}}",
	  "referenceTimestamp is not a time" },
	{ "bad count",
	  "{\"version\":\"v3\",\"cpuHistogram\":{},\"memoryHistogram\":{},\"totalSamplesCount\":-1}",
	  "totalSamplesCount is not a count" },
};

static void test_checkpoint_refusals(void)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(text_cases); i++) {
		const struct text_case *c = &text_cases[i];
		struct pf_vpa_checkpoint checkpoint;
		const char *reason = NULL;

		PF_CHECK_INT(
			c->name,
			pf_vpa_checkpoint_parse(c->text, strlen(c->text), &reason, &checkpoint),
			-EBADMSG);
		PF_CHECK_STR(c->name, reason, c->reason);
	}
}

static void test_checkpoint_forms(void)
{
	const char *text =
		"{\"kind\":\"VerticalPodAutoscalerCheckpoint\",\"status\":{\"version\":\"v3\","
		"\"cpuHistogram\":{\"bucketWeights\":{\"5\":10000},\"totalWeight\":2.5,"
		"\"referenceTimestamp\":\"2026-03-10T01:30:00.5+01:30\"},\"memoryHistogram\":{},"
		"\"firstSampleStart\":\"0001-01-01T00:00:00Z\",\"somethingNew\":[{}]}}";
	struct pf_vpa_checkpoint c;

	PF_CHECK_INT("a whole object", pf_vpa_checkpoint_parse(text, strlen(text), NULL, &c), 0);
	PF_CHECK_INT("offset and fraction", c.cpu.reference_ns, 1773100800500000000);
	PF_CHECK_INT("year 1", c.first_ns, PF_VPA_NO_TIME);
	PF_CHECK_INT("weight", c.cpu.weight[5], 10000);
	PF_CHECK_INT("too long",
		     pf_vpa_checkpoint_parse(text, PF_VPA_CHECKPOINT_TEXT_MAX + 1, NULL, &c),
		     -E2BIG);
}

PF_TEST_SUITE(vpa, { "scales", test_scales }, { "far values", test_far_values },
	      { "time diff", test_time_diff }, { "proportional limit", test_proportional_limit },
	      { "humanize", test_humanize }, { "zero first sample", test_zero_first_sample },
	      { "checkpoint refusals", test_checkpoint_refusals },
	      { "checkpoint forms", test_checkpoint_forms });
