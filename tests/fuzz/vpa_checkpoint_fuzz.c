// SPDX-License-Identifier: Apache-2.0
/* VPA's checkpoint objects: what is read prints and reads back the same, and can be recommended from. */
#include "report/vpa_checkpoint.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/vpa_recommend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Written times have whole seconds. */
static int64_t seconds(int64_t ns)
{
	return ns == PF_VPA_NO_TIME ? ns : ns / 1000000000;
}

static void recommend_from(const struct pf_vpa_checkpoint *c)
{
	struct pf_vpa_settings settings;
	struct pf_vpa_aggregate aggregate;
	struct pf_vpa_recommendation rec;

	pf_vpa_settings_default(&settings);
	pf_vpa_aggregate_init(&aggregate, &settings);
	if (pf_vpa_aggregate_load(&aggregate, c) < 0)
		return;
	pf_vpa_recommend(&aggregate, &settings, NULL, false, 1, &rec);
	for (int r = 0; r < PF_VPA_NR_RESOURCES; r++)
		assert(rec.target.of[r] > 0 && rec.target.of[r] <= 200000000000000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	PF_AUTO(pf_buf_done) struct pf_buf text;
	struct pf_vpa_checkpoint c, again;
	const char *reason = NULL;

	pf_buf_init(&text, PF_VPA_CHECKPOINT_TEXT_MAX);
	if (pf_vpa_checkpoint_parse((const char *)data, size, &reason, &c) < 0)
		return 0;
	if (pf_vpa_checkpoint_format(&c, PF_VPA_NO_TIME, &text) < 0)
		abort();
	if (pf_vpa_checkpoint_parse(text.data, text.len, &reason, &again) < 0)
		abort();
	assert(c.nr_samples == again.nr_samples && seconds(c.first_ns) == seconds(again.first_ns) &&
	       seconds(c.last_ns) == seconds(again.last_ns));
	assert(!memcmp(c.cpu.weight, again.cpu.weight, sizeof(c.cpu.weight)) &&
	       c.cpu.total == again.cpu.total);
	assert(!memcmp(c.memory.weight, again.memory.weight, sizeof(c.memory.weight)));
	recommend_from(&c);
	return 0;
}
