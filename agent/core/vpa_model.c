// SPDX-License-Identifier: Apache-2.0
#include "core/vpa_model.h"

#include <errno.h>
#include <math.h>

#include "core/units.h"

#define DAY_NS ((int64_t)PF_NS_PER_DAY)

/* Every CPU sample weighs this; VPA once scaled it by the request and no longer does. */
#define CPU_SAMPLE_WEIGHT  0.1
#define MEMORY_PEAK_WEIGHT 1.0

/* The largest amount of anything, shown by VPA as "100T". */
#define MAX_AMOUNT 1e14

int64_t pf_vpa_amount(double value)
{
	if (!(value > 0)) /* also NaN, whose conversion C leaves undefined */
		return 0;
	return value > MAX_AMOUNT ? (int64_t)MAX_AMOUNT : (int64_t)value;
}

void pf_vpa_settings_default(struct pf_vpa_settings *ret_settings)
{
	*ret_settings = (struct pf_vpa_settings){
		.margin = 0.15,
		.min_cpu_millicores = 25,
		.min_memory_mib = 250,
		.target_percentile = { 0.9, 0.9 },
		.lower_percentile = { 0.5, 0.5 },
		.upper_percentile = { 0.95, 0.95 },
		.confidence_interval_ns = { DAY_NS, DAY_NS },
		.half_life_ns = { DAY_NS, DAY_NS },
		.memory_interval_ns = DAY_NS,
		.memory_interval_count = 8,
		.oom_bump_ratio = 1.2,
		.oom_min_bump_bytes = 100.0 * PF_MIB,
		.round_cpu_millicores = 1,
		.round_memory_bytes = 1,
	};
}

void pf_vpa_memory_rules_from(const struct pf_vpa_settings *settings,
			      struct pf_vpa_memory_rules *ret_rules)
{
	*ret_rules = (struct pf_vpa_memory_rules){
		.interval_ns = settings->memory_interval_ns,
		.interval_count = settings->memory_interval_count,
		.oom_bump_ratio = settings->oom_bump_ratio,
		.oom_min_bump_bytes = settings->oom_min_bump_bytes,
	};
}

/* ---- aggregates ---- */

void pf_vpa_aggregate_init(struct pf_vpa_aggregate *a, const struct pf_vpa_settings *settings)
{
	pf_vpa_hist_init(&a->cpu, &pf_vpa_cpu_scale, settings->half_life_ns[PF_VPA_CPU]);
	pf_vpa_hist_init(&a->memory, &pf_vpa_memory_scale, settings->half_life_ns[PF_VPA_MEMORY]);
	a->first_ns = a->last_ns = PF_VPA_NO_TIME;
	a->nr_samples = 0;
}

void pf_vpa_aggregate_merge(struct pf_vpa_aggregate *a, struct pf_vpa_aggregate *other)
{
	pf_vpa_hist_merge(&a->cpu, &other->cpu);
	pf_vpa_hist_merge(&a->memory, &other->memory);
	if (a->first_ns == PF_VPA_NO_TIME ||
	    (other->first_ns != PF_VPA_NO_TIME && other->first_ns < a->first_ns))
		a->first_ns = other->first_ns;
	a->last_ns = PF_MAX(a->last_ns, other->last_ns);
	a->nr_samples += other->nr_samples;
}

bool pf_vpa_aggregate_is_expired(const struct pf_vpa_aggregate *a,
				 const struct pf_vpa_memory_rules *rules, int64_t now_ns)
{
	return a->nr_samples &&
	       pf_vpa_time_diff(now_ns, a->last_ns) / rules->interval_ns >= rules->interval_count;
}

/* ---- events of an instance ---- */

void pf_vpa_instance_init(struct pf_vpa_instance *instance)
{
	*instance = (struct pf_vpa_instance){
		.last_cpu_ns = PF_VPA_NO_TIME,
		.last_memory_ns = PF_VPA_NO_TIME,
		.interval_end_ns = PF_VPA_NO_TIME,
	};
}

bool pf_vpa_add_cpu(struct pf_vpa_aggregate *a, struct pf_vpa_instance *instance,
		    int64_t millicores, int64_t at_ns)
{
	if (millicores < 0 || at_ns <= instance->last_cpu_ns)
		return false;
	pf_vpa_hist_add(&a->cpu, (double)millicores / 1000.0, CPU_SAMPLE_WEIGHT, at_ns);
	a->last_ns = PF_MAX(a->last_ns, at_ns);
	if (a->first_ns == PF_VPA_NO_TIME || at_ns < a->first_ns)
		a->first_ns = at_ns;
	a->nr_samples++;
	instance->last_cpu_ns = at_ns;
	return true;
}

static void take_peak(struct pf_vpa_instance *instance, const struct pf_vpa_memory_rules *rules,
		      int64_t bytes, int64_t at_ns, bool is_oom, struct pf_vpa_peak *ret_peak)
{
	*ret_peak = (struct pf_vpa_peak){ .bytes = bytes };
	instance->last_memory_ns = at_ns;
	if (instance->interval_end_ns == PF_VPA_NO_TIME)
		instance->interval_end_ns = at_ns;

	if (at_ns < instance->interval_end_ns) {
		int64_t old = PF_MAX(instance->peak_bytes, instance->oom_peak_bytes);

		if (old == 0 || bytes <= old)
			return;
		ret_peak->replaced_bytes = old;
	} else {
		int64_t late = at_ns - instance->interval_end_ns;

		instance->interval_end_ns += late - late % rules->interval_ns + rules->interval_ns;
		instance->peak_bytes = instance->oom_peak_bytes = 0;
	}
	ret_peak->changed = true;
	if (is_oom)
		instance->oom_peak_bytes = bytes;
	else
		instance->peak_bytes = bytes;
}

bool pf_vpa_instance_memory(struct pf_vpa_instance *instance,
			    const struct pf_vpa_memory_rules *rules, int64_t bytes, int64_t at_ns,
			    struct pf_vpa_peak *ret_peak)
{
	if (bytes < 0 || at_ns < instance->last_memory_ns)
		return false;
	take_peak(instance, rules, bytes, at_ns, false, ret_peak);
	return true;
}

bool pf_vpa_instance_oom(struct pf_vpa_instance *instance, const struct pf_vpa_memory_rules *rules,
			 int64_t request_bytes, int64_t at_ns, struct pf_vpa_peak *ret_peak)
{
	/* Against the newest sample; up to 1.7.1 VPA compared with the interval's end and lost
	 * fresh kills. */
	if (request_bytes < 0 || (instance->last_memory_ns != PF_VPA_NO_TIME &&
				  at_ns < instance->last_memory_ns - rules->interval_ns))
		return false;

	int64_t used = PF_MAX(request_bytes, instance->peak_bytes);
	int64_t bumped = used + pf_vpa_amount(rules->oom_min_bump_bytes);
	int64_t scaled = pf_vpa_amount((double)used * rules->oom_bump_ratio);

	take_peak(instance, rules, PF_MAX(bumped, scaled), at_ns, true, ret_peak);
	return true;
}

static void put_peak(struct pf_vpa_aggregate *a, const struct pf_vpa_instance *instance,
		     const struct pf_vpa_peak *peak)
{
	if (!peak->changed)
		return;
	if (peak->replaced_bytes)
		pf_vpa_hist_subtract(&a->memory, (double)peak->replaced_bytes, MEMORY_PEAK_WEIGHT,
				     instance->interval_end_ns);
	/* It stands at the interval's end, up to one interval in the future. */
	pf_vpa_hist_add(&a->memory, (double)peak->bytes, MEMORY_PEAK_WEIGHT,
			instance->interval_end_ns);
}

bool pf_vpa_add_memory(struct pf_vpa_aggregate *a, struct pf_vpa_instance *instance,
		       const struct pf_vpa_memory_rules *rules, int64_t bytes, int64_t at_ns)
{
	struct pf_vpa_peak peak;

	if (!pf_vpa_instance_memory(instance, rules, bytes, at_ns, &peak))
		return false;
	put_peak(a, instance, &peak);
	return true;
}

bool pf_vpa_add_oom(struct pf_vpa_aggregate *a, struct pf_vpa_instance *instance,
		    const struct pf_vpa_memory_rules *rules, int64_t request_bytes, int64_t at_ns)
{
	struct pf_vpa_peak peak;

	if (!pf_vpa_instance_oom(instance, rules, request_bytes, at_ns, &peak))
		return false;
	put_peak(a, instance, &peak);
	return true;
}

void pf_vpa_forget_open_peak(struct pf_vpa_aggregate *a, const struct pf_vpa_instance *instance,
			     int64_t now_ns)
{
	if (instance->interval_end_ns == PF_VPA_NO_TIME || now_ns >= instance->interval_end_ns)
		return;
	pf_vpa_hist_subtract(&a->memory,
			     (double)PF_MAX(instance->peak_bytes, instance->oom_peak_bytes),
			     MEMORY_PEAK_WEIGHT, instance->interval_end_ns);
}

/* ---- checkpoints ---- */

static int64_t whole_seconds(int64_t at_ns)
{
	int64_t rest = at_ns % (int64_t)PF_NS_PER_S;

	if (at_ns == PF_VPA_NO_TIME)
		return at_ns;
	return at_ns - (rest < 0 ? rest + (int64_t)PF_NS_PER_S : rest);
}

void pf_vpa_aggregate_save(const struct pf_vpa_aggregate *a,
			   struct pf_vpa_checkpoint *ret_checkpoint)
{
	pf_vpa_hist_save(&a->cpu, &ret_checkpoint->cpu);
	pf_vpa_hist_save(&a->memory, &ret_checkpoint->memory);
	ret_checkpoint->cpu.reference_ns = whole_seconds(a->cpu.reference_ns);
	ret_checkpoint->memory.reference_ns = whole_seconds(a->memory.reference_ns);
	ret_checkpoint->first_ns = whole_seconds(a->first_ns);
	ret_checkpoint->last_ns = whole_seconds(a->last_ns);
	ret_checkpoint->nr_samples = a->nr_samples;
}

int pf_vpa_aggregate_load(struct pf_vpa_aggregate *a, const struct pf_vpa_checkpoint *checkpoint)
{
	int r = pf_vpa_hist_load(&a->memory, &checkpoint->memory);

	if (r == 0)
		r = pf_vpa_hist_load(&a->cpu, &checkpoint->cpu);
	if (r < 0)
		return r;
	a->first_ns = checkpoint->first_ns;
	a->last_ns = checkpoint->last_ns;
	a->nr_samples = checkpoint->nr_samples;
	return 0;
}
