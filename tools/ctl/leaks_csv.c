// SPDX-License-Identifier: Apache-2.0
/*
 * leaks_csv.c - `podfit leaks --from-csv`: recorded memory through the leak detector, alarms out.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "core/leak.h"
#include "ctl/ctl.h"
#include "ctl/series.h"

/* One alarm; times in unix seconds, 0 where there is none. */
struct row {
	const char *id, *test;
	uint64_t at, eta, eta_low, eta_high;
	double slope, slope_low, slope_high; /* bytes an hour; intervals 0: not given */
};

struct replay {
	bool baseline;
	int format; /* index into formats[] */
	FILE *out;
	size_t nr_series, nr_alarmed, nr_alarms;
	struct pf_leak_state leak;
};

static const char *const formats[] = { "csv", "table", "json" };
enum { CSV, TABLE, JSON };

static const uint64_t horizon_s =
	4000000000; /* "not in sight", for tools that read 32-bit seconds */

static uint64_t unix_seconds(uint64_t ns)
{
	return PF_MIN(ns / PF_NS_PER_S, horizon_s);
}

static void csv_number(FILE *out, bool known, double value)
{
	if (known)
		fprintf(out, ",%.0f", value);
	else
		fputc(',', out);
}

static void print_csv(const struct replay *p, const struct row *row)
{
	bool interval = row->slope_high > 0;

	fprintf(p->out, "%s,%" PRIu64 ",%.0f,%" PRIu64, row->id, row->at, row->slope, row->eta);
	csv_number(p->out, interval, row->slope_low);
	csv_number(p->out, interval, row->slope_high);
	csv_number(p->out, interval, (double)row->eta_low);
	csv_number(p->out, interval, (double)row->eta_high);
	fputc('\n', p->out);
}

static void utc(uint64_t unix_s, char *text, size_t size)
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	if (unix_s >= horizon_s || !gmtime_r(&t, &tm) ||
	    !strftime(text, size, "%Y-%m-%d %H:%M", &tm))
		snprintf(text, size, "-");
}

static void print_table(const struct replay *p, const struct row *row)
{
	char at[32], eta[32], interval[64] = "";

	utc(row->at, at, sizeof(at));
	utc(row->eta, eta, sizeof(eta));
	if (row->slope_high > 0)
		snprintf(interval, sizeof(interval), "%.2f-%.2f", row->slope_low / (double)PF_MIB,
			 row->slope_high / (double)PF_MIB);
	fprintf(p->out, "%-32s %-16s %10.2f %-17s %-16s\n", row->id, at,
		row->slope / (double)PF_MIB, interval, eta);
}

/* A moment that is not in sight is absent: unknown. */
static void json_time(FILE *out, const char *name, uint64_t unix_s)
{
	if (unix_s < horizon_s)
		fprintf(out, ", \"%s\": %" PRIu64, name, unix_s);
}

static void print_json(const struct replay *p, const struct row *row)
{
	fprintf(p->out, "%s\n    {\"series_id\": \"", p->nr_alarms ? "," : "");
	for (const char *c = row->id; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(p->out, "\\%c", *c);
		else if ((unsigned char)*c < 0x20)
			fprintf(p->out, "\\u%04x", *c);
		else
			fputc(*c, p->out);
	}
	fprintf(p->out,
		"\", \"first_alarm_unix_seconds\": %" PRIu64 ", \"slope_bytes_per_hour\": %.0f",
		row->at, row->slope);
	json_time(p->out, "eta_unix_seconds", row->eta);
	if (row->slope_high > 0) {
		fprintf(p->out, ", \"slope_low\": %.0f, \"slope_high\": %.0f", row->slope_low,
			row->slope_high);
		json_time(p->out, "eta_low_unix", row->eta_low);
		json_time(p->out, "eta_high_unix", row->eta_high);
	}
	fputc('}', p->out);
}

static void print_alarm(struct replay *p, const struct row *row)
{
	static void (*const print[])(const struct replay *,
				     const struct row *) = { print_csv, print_table, print_json };

	print[p->format](p, row);
	p->nr_alarms++;
}

static void print_head(const struct replay *p)
{
	if (p->format == CSV)
		fputs("series_id,first_alarm_unix_seconds,slope_bytes_per_hour,eta_unix_seconds,"
		      "slope_low,slope_high,eta_low_unix,eta_high_unix\n",
		      p->out);
	else if (p->format == TABLE)
		fprintf(p->out, "%-32s %-16s %10s %-17s %-16s\n", "SERIES", "ALARM (UTC)",
			"MiB/HOUR", p->baseline ? "" : "90 % INTERVAL", "EXHAUSTED (UTC)");
	else
		fprintf(p->out, "{\"mode\": \"%s\", \"alarms\": [",
			p->baseline ? "baseline" : "podfit");
}

static void print_foot(const struct replay *p)
{
	if (p->format == TABLE)
		fprintf(p->out, "%zu of %zu series, %zu alarms (mode %s)\n", p->nr_alarmed,
			p->nr_series, p->nr_alarms, p->baseline ? "baseline" : "podfit");
	else if (p->format == JSON)
		fprintf(p->out, "%s],\n \"nr_series\": %zu, \"nr_alarmed_series\": %zu}\n",
			p->nr_alarms ? "\n  " : "", p->nr_series, p->nr_alarmed);
}

/* The baseline rule begins to hold: an alarm of its own. */
static void baseline_alarm(struct replay *p, uint64_t at_ns, const char *id)
{
	print_alarm(p, &(struct row){
			       .id = id,
			       .at = unix_seconds(at_ns),
			       .slope = p->leak.baseline_alarm.slope_bytes_per_h,
			       .eta = unix_seconds(p->leak.baseline_alarm.oom_ns),
		       });
}

static void podfit_alarm(struct replay *p, const struct pf_leak_options *options, uint64_t at_ns,
			 const char *id)
{
	struct pf_leak_finding f;

	pf_leak_describe(&p->leak, options, &f);
	print_alarm(p, &(struct row){
			       .id = id,
			       .at = unix_seconds(at_ns),
			       .slope = f.slope_bytes_per_hour,
			       .slope_low = f.slope_low,
			       .slope_high = f.slope_high,
			       .eta = unix_seconds(f.eta_unix_ns),
			       .eta_low = unix_seconds(f.eta_low_unix_ns),
			       .eta_high = unix_seconds(f.eta_high_unix_ns),
		       });
}

static void push(struct replay *p, const struct pf_leak_options *options,
		 const struct pf_leak_sample *sample, const char *id)
{
	bool before = p->leak.baseline.alarmed;
	enum pf_leak_event event = pf_leak_push(&p->leak, options, sample);

	if (p->baseline && p->leak.baseline.alarmed && !before)
		baseline_alarm(p, sample->at_ns, id);
	if (!p->baseline && event == PF_LEAK_ALARM_BEGINS)
		podfit_alarm(p, options, sample->at_ns, id);
}

static int replay_series(void *arg, const struct pf_series *series)
{
	struct replay *p = arg;
	struct pf_leak_options options;
	size_t next_restart = 0, nr_values = 0, nr_before = p->nr_alarms;

	pf_leak_options_init((uint64_t)(series->interval_s * 1e9), 1, &options);
	memset(&p->leak, 0, sizeof(p->leak));
	for (size_t i = 0; i < series->nr_rows; i++) {
		const struct pf_series_row *row = &series->rows[i];
		struct pf_leak_sample sample = {
			.at_ns = (uint64_t)(row->unix_s * 1e9),
			.hot_bytes = (uint64_t)row->hot_bytes,
			.limit_bytes =
				row->limit_bytes > 0 ? (uint64_t)row->limit_bytes : PF_NO_LIMIT,
			.cpu_cores = row->cpu_cores,
		};

		if (row->hot_bytes < 0)
			continue;
		nr_values++;
		for (; next_restart < series->nr_restarts &&
		       series->restarts[next_restart] <= row->unix_s;
		     next_restart++)
			pf_leak_restart(&p->leak, false);
		push(p, &options, &sample, series->id);
	}
	if (!nr_values)
		return 0; /* CPU only */
	p->nr_series++;
	p->nr_alarmed += p->nr_alarms > nr_before;
	if (p->nr_alarms == nr_before && p->format == CSV)
		fprintf(p->out, "%s,,,,,,,\n", series->id);
	return ferror(p->out) ? -EIO : 0;
}

int pf_ctl_leaks_csv(const char *path, const char *mode, const char *format, FILE *out,
		     FILE *errors)
{
	struct replay p = { .baseline = !strcmp(mode, "baseline"), .format = -1, .out = out };
	char error[512] = "";
	int err;

	for (size_t i = 0; i < PF_ARRAY_SIZE(formats); i++)
		if (!strcmp(format, formats[i]))
			p.format = (int)i;
	if (p.format < 0) {
		fprintf(errors, "podfit: leaks: -o %s: want csv, table or json\n", format);
		return PF_EXIT_USAGE;
	}
	if (!p.baseline && strcmp(mode, "podfit") != 0) {
		fprintf(errors, "podfit: leaks: --mode %s: want podfit or baseline\n", mode);
		return PF_EXIT_USAGE;
	}
	print_head(&p);
	err = pf_series_read(path, replay_series, &p, error, sizeof(error));
	if (err < 0) {
		fprintf(errors, "podfit: leaks: %s\n", *error ? error : "cannot write the result");
		return err == -EBADMSG ? PF_EXIT_DAMAGED : PF_EXIT_FAILED;
	}
	if (!p.nr_series) {
		fprintf(errors,
			"podfit: leaks: %s: no series with values in a column memory_bytes\n",
			path);
		return PF_EXIT_DAMAGED;
	}
	print_foot(&p);
	return fflush(out) ? PF_EXIT_FAILED : PF_EXIT_OK;
}
