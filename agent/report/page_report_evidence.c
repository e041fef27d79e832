// SPDX-License-Identifier: Apache-2.0
/* The slices of a workload's containers, put together for drawing. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/units.h"
#include "report/page_report_parts.h"

static bool known(uint64_t value)
{
	return value < PF_NO_LIMIT;
}

/* ---- hours ---- */

static int by_hour(const void *left, const void *right)
{
	const struct pf_slice *a = *(const struct pf_slice *const *)left;
	const struct pf_slice *b = *(const struct pf_slice *const *)right;

	return (a->hour > b->hour) - (a->hour < b->hour);
}

static void add(double *sum, bool *is_known, uint64_t value)
{
	if (!known(value))
		return;
	*sum += (double)value;
	*is_known = true;
}

static void raise(double *highest, uint64_t value)
{
	if (known(value))
		*highest = fmax(*highest, (double)value);
}

static void count(uint64_t *sum, uint64_t more)
{
	if (known(more))
		*sum = (known(*sum) ? *sum : 0) + more;
}

static double demand_p99(const struct pf_slice *const *slices, size_t nr)
{
	uint32_t counts[PF_MILLICORES_BUCKETS] = { 0 };
	uint64_t nr_idle = 0;
	bool any = false;
	double value;

	for (size_t i = 0; i < nr; i++) {
		if (!slices[i]->hists[PF_HIST_DEMAND])
			continue;
		pf_hist_add(counts, slices[i]->hists[PF_HIST_DEMAND], PF_MILLICORES_BUCKETS);
		nr_idle += known(slices[i]->nr_demand_idle_windows)
				   ? slices[i]->nr_demand_idle_windows
				   : 0;
		any = true;
	}
	if (!any || pf_hist_quantile(PF_LAYOUT_MILLICORES, counts, nr_idle, 0.99, &value) < 0)
		return NAN;
	return value;
}

/* The hour of @nr slices. Which instance each is of does not matter: what is drawn are sums by time
 * covered, and memory by kind is divided by the number of slices that know it. */
static void hour_of(const struct pf_slice *const *slices, size_t nr, struct pf_view_hour *ret_hour)
{
	struct pf_hour_point point;
	uint64_t start = UINT64_MAX, end = 0;

	pf_hour_point_clear(&point, slices[0]->hour);
	for (size_t i = 0; i < nr; i++) {
		start = PF_MIN(start, slices[i]->start_unix_ns);
		end = PF_MAX(end, slices[i]->start_unix_ns + slices[i]->covered_ns);
		pf_hour_point_add(&point, slices[i], true);
	}
	pf_view_hour_of(&point, ret_hour);
	/* A report's newest hour is not over, and its first one may have begun late. */
	ret_hour->start_unix_ns = start;
	ret_hour->length_ns = end - start;
	ret_hour->demand_p99_millicores = demand_p99(slices, nr);
}

static int hours(const struct pf_group *group, struct pf_group_evidence *evidence)
{
	PF_AUTO(pf_freep) const struct pf_slice **slices = NULL;
	size_t nr = 0, at = 0;

	for (size_t i = 0; i < group->nr_containers; i++)
		nr += group->containers[i]->nr_slices;
	slices = calloc(nr + 1, sizeof(*slices));
	evidence->hours = calloc(nr + 1, sizeof(*evidence->hours));
	if (!slices || !evidence->hours)
		return -ENOMEM;
	for (size_t i = 0; i < group->nr_containers; i++)
		for (size_t j = 0; j < group->containers[i]->nr_slices; j++)
			slices[at++] = group->containers[i]->slices[j];
	qsort(slices, nr, sizeof(*slices), by_hour);
	for (size_t first = 0; first < nr;) {
		size_t end = first + 1;

		while (end < nr && slices[end]->hour == slices[first]->hour)
			end++;
		hour_of(slices + first, end - first, &evidence->hours[evidence->nr_hours++]);
		first = end;
	}
	return 0;
}

/* ---- histograms ---- */

static int add_hists(struct pf_group_evidence *evidence, const struct pf_slice *slice)
{
	evidence->covered_ns += (double)slice->covered_ns;
	if (known(slice->nr_idle_windows))
		evidence->nr_idle[0] += (double)slice->nr_idle_windows;
	if (known(slice->nr_demand_idle_windows))
		evidence->nr_idle[1] += (double)slice->nr_demand_idle_windows;
	for (int h = 0; h < PF_NR_SAMPLE_HISTS; h++) {
		size_t nr = pf_hist_nr_buckets(pf_sample_hist_layout((enum pf_sample_hist)h));

		if (!slice->hists[h])
			continue;
		if (!evidence->counts[h])
			evidence->counts[h] = calloc(nr, sizeof(float));
		if (!evidence->counts[h])
			return -ENOMEM;
		for (size_t i = 0; i < nr; i++)
			evidence->counts[h][i] += (float)slice->hists[h][i];
	}
	return 0;
}

/* ---- instances ---- */

static void instance_of(const struct pf_report_container *c, struct pf_view_instance *ret_instance)
{
	double covered_ns = 0, usage_ns = 0, nr_periods = 0, nr_throttled = 0, contention_ns = 0;
	bool usage = false, periods = false, waits = false;
	struct pf_view_instance out = {
		.node = "",
		.pod = *c->identity->pod ? c->identity->pod : c->cgroup_path,
		.first_seen_unix_ns = c->first_seen_unix_ns,
		.ended = c->ended_unix_ns != PF_UNKNOWN,
		.usage_mean_millicores = NAN,
		.demand_p99_millicores = NAN,
		.throttled_ratio = NAN,
		.contention_wait_ns_per_s = NAN,
		.hot_peak_bytes = NAN,
		.memory_peak_bytes = NAN,
		.runq_p99_ns = c->now.runq_p99_ns,
		.restarts = c->identity->named ? c->identity->restart_count : PF_UNKNOWN,
		.oom_kills = PF_UNKNOWN,
	};

	for (size_t i = 0; i < c->nr_slices; i++) {
		const struct pf_slice *slice = c->slices[i];

		covered_ns += (double)slice->covered_ns;
		add(&usage_ns, &usage, slice->usage_ns);
		add(&nr_periods, &periods, slice->nr_periods);
		add(&nr_throttled, &periods, slice->nr_throttled);
		add(&contention_ns, &waits, slice->contention_wait_ns);
		raise(&out.hot_peak_bytes, slice->hot_peak_bytes);
		raise(&out.memory_peak_bytes, slice->memory_peak_bytes);
		count(&out.oom_kills, slice->oom_kills);
		/* Of the busiest hour. */
		out.demand_p99_millicores =
			fmax(out.demand_p99_millicores, demand_p99(&c->slices[i], 1));
	}
	if (usage && covered_ns > 0)
		out.usage_mean_millicores = usage_ns / covered_ns * 1000;
	if (periods && nr_periods > 0)
		out.throttled_ratio = nr_throttled / nr_periods;
	if (waits && covered_ns > 0)
		out.contention_wait_ns_per_s = contention_ns / covered_ns * 1e9;
	*ret_instance = out;
}

/* ---- all of it ---- */

static int put_together(const struct pf_group *group, struct pf_group_evidence *evidence)
{
	int r = hours(group, evidence);

	for (size_t i = 0; i < group->nr_containers && r >= 0; i++)
		for (size_t j = 0; j < group->containers[i]->nr_slices && r >= 0; j++)
			r = add_hists(evidence, group->containers[i]->slices[j]);
	if (r < 0)
		return r;
	evidence->nr_instances = PF_MIN(group->nr_containers, (size_t)PF_VIEW_INSTANCES_MAX);
	evidence->instances = calloc(evidence->nr_instances, sizeof(*evidence->instances));
	if (!evidence->instances)
		return -ENOMEM;
	for (size_t i = 0; i < evidence->nr_instances; i++)
		instance_of(group->containers[i], &evidence->instances[i]);
	return 0;
}

int pf_group_evidence(const struct pf_group *group, struct pf_group_evidence *ret_evidence)
{
	struct pf_group_evidence evidence = { 0 };
	int r = put_together(group, &evidence);

	if (r < 0) {
		pf_group_evidence_done(&evidence);
		return r;
	}
	*ret_evidence = evidence;
	return 0;
}

void pf_group_evidence_done(struct pf_group_evidence *evidence)
{
	free(evidence->hours);
	free(evidence->instances);
	for (int h = 0; h < PF_NR_SAMPLE_HISTS; h++)
		free(evidence->counts[h]);
	*evidence = (struct pf_group_evidence){ 0 };
}
