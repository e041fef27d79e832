// SPDX-License-Identifier: Apache-2.0
/* Checkpoints as VPA stores them: our JSON against its, loaded, and saved again. */
#include <math.h>
#include <string.h>

#include "golden/golden.h"
#include "report/vpa_checkpoint.h"

/* A parsed value as text again: the reader under test wants text. */
static void print_value(struct pf_buf *buf, yajl_val v)
{
	if (YAJL_IS_OBJECT(v)) {
		for (size_t i = 0; i < YAJL_GET_OBJECT(v)->len; i++) {
			pf_buf_addf(buf, "%s\"%s\":", i ? "," : "{", YAJL_GET_OBJECT(v)->keys[i]);
			print_value(buf, YAJL_GET_OBJECT(v)->values[i]);
		}
		pf_buf_adds(buf, YAJL_GET_OBJECT(v)->len ? "}" : "{}");
	} else if (YAJL_IS_STRING(v)) {
		pf_buf_addf(buf, "\"%s\"", YAJL_GET_STRING(v));
	} else if (YAJL_IS_NUMBER(v)) {
		pf_buf_adds(buf, YAJL_GET_NUMBER(v));
	} else {
		pf_buf_adds(buf, "null");
	}
}

static int parse_value(yajl_val v, struct pf_vpa_checkpoint *ret)
{
	PF_AUTO(pf_buf_done) struct pf_buf text;

	pf_buf_init(&text, 1 << 20);
	print_value(&text, v);
	return pf_vpa_checkpoint_parse(text.data, text.len, NULL, ret);
}

static bool same(const struct pf_vpa_checkpoint *a, const struct pf_vpa_checkpoint *b)
{
	return a->first_ns == b->first_ns && a->last_ns == b->last_ns &&
	       a->nr_samples == b->nr_samples && !memcmp(&a->cpu, &b->cpu, sizeof(a->cpu)) &&
	       !memcmp(&a->memory, &b->memory, sizeof(a->memory));
}

/* What we save, printed and read back, is what VPA stored (null: that was not recorded). */
static void check_saved(struct golden *g, const char *what,
			const struct pf_vpa_aggregate *aggregate, yajl_val want)
{
	PF_AUTO(pf_buf_done) struct pf_buf text;
	struct pf_vpa_checkpoint saved, again, wanted;

	pf_vpa_aggregate_save(aggregate, &saved);
	pf_buf_init(&text, 1 << 20);
	if (pf_vpa_checkpoint_format(&saved, PF_VPA_NO_TIME, &text) < 0 ||
	    pf_vpa_checkpoint_parse(text.data, text.len, NULL, &again) < 0) {
		golden_fail(g, "%s: cannot be printed and read back", what);
		return;
	}
	if (!same(&saved, &again))
		golden_fail(g, "%s: printed and read back, it differs", what);
	if (YAJL_IS_NULL(want))
		return;
	if (parse_value(want, &wanted) < 0)
		golden_fail(g, "%s: the real one cannot be read", what);
	else if (!same(&saved, &wanted))
		golden_fail(g, "%s: differs from the real one", what);
}

void golden_checkpoint(struct golden *g, yajl_val item)
{
	yajl_val cpu = golden_get(item, "cpu_samples"), memory = golden_get(item, "mem_peaks");
	yajl_val status = golden_get(item, "status"), want = golden_get(item, "expect_loaded");
	bool want_error = YAJL_IS_TRUE(golden_get(item, "expect_load_error"));
	struct pf_vpa_settings settings;
	struct pf_vpa_aggregate aggregate;
	struct pf_vpa_checkpoint checkpoint;

	pf_vpa_settings_default(&settings);
	if (golden_len(cpu) || golden_len(memory)) {
		struct pf_vpa_instance instance;

		pf_vpa_aggregate_init(&aggregate, &settings);
		for (size_t i = 0; i < golden_len(cpu); i++) {
			yajl_val s = golden_at(cpu, i);

			/* A new instance each time: these vectors go to the aggregate directly, in
			 * any order. */
			pf_vpa_instance_init(&instance);
			pf_vpa_add_cpu(&aggregate, &instance, golden_integer(golden_at(s, 1)),
				       golden_time(golden_integer(golden_at(s, 0))));
		}
		for (size_t i = 0; i < golden_len(memory); i++) {
			yajl_val s = golden_at(memory, i);

			pf_vpa_hist_add(&aggregate.memory, golden_number(golden_at(s, 1)), 1,
					golden_time(golden_integer(golden_at(s, 0))));
		}
		check_saved(g, "checkpoint", &aggregate, status);
	}

	pf_vpa_aggregate_init(&aggregate, &settings);

	bool error = parse_value(status, &checkpoint) < 0 ||
		     pf_vpa_aggregate_load(&aggregate, &checkpoint) < 0;

	golden_int(g, "load error", error, want_error);
	if (error || want_error)
		return;
	golden_int(g, "first", golden_ms(aggregate.first_ns), golden_integer_of(want, "first", 0));
	golden_int(g, "last", golden_ms(aggregate.last_ns), golden_integer_of(want, "last", 0));
	golden_int(g, "samples", aggregate.nr_samples, golden_integer_of(want, "samples", 0));
	golden_hist_state(g, &aggregate.cpu, golden_get(want, "cpu"));
	golden_hist_state(g, &aggregate.memory, golden_get(want, "mem"));
	check_saved(g, "saved again", &aggregate, golden_get(want, "saved_again"));
}
