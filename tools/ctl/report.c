// SPDX-License-Identifier: Apache-2.0
/*
 * report.c - podfit report, explain and leaks: from the agent, from report files, or (report, leaks)
 * from a collector.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <string.h>

#include "core/filter.h"
#include "ctl/ctl.h"
#include "ctl/plain_text.h"
#include "ctl/source.h"
#include "report/advice_out.h"
#include "report/emit.h"
#include "report/groups.h"
#include "report/human.h"
#include "report/page_report.h"

enum { OUTPUT_MAX = 64 << 20, STACKS_MAX = 64 /* of a leak; reports have fewer */ };

enum command { REPORT, EXPLAIN, LEAKS };

struct run {
	enum command command;
	const char *name;		  /* "report", "explain", "leaks" */
	const char *from, *format, *sort; /* sort NULL: as fits the format */
	const char *filter_text;
	struct pf_filter *filter;
	enum pf_verdict fail_on; /* PF_VERDICT_NONE: never */
	bool want_help, failed_on;
	struct pf_client_opts client;
	struct pf_buf out;
};

static const char help_report[] =
	"usage: podfit report [--FLAG=VALUE ...]\n\n"
	"What each workload's container should ask for, from the agent of this node, from report\n"
	"files, or from a collector.\n\n"
	"      --from=SOURCE     the agent's socket (" PF_CTL_DEFAULT_SOCKET "), a report file or\n"
	"                        directory, - (standard input), or a collector's http(s):// address\n"
	"  -o, --output=FORMAT   table (default), json, yaml, csv, html, patch, vpa, kustomize,\n"
	"                        helm-values\n"
	"      --filter=TERMS    such as namespace=shop,workload=cart* or label:app=web\n"
	"      --sort=KEY        risk (default of a table), savings, name (default of the others)\n"
	"      --fail-on=VERDICT exit code 3 if a container has it, such as CPU_THROTTLED\n"
	"      --token-file=PATH, --ca-file=PATH, --cert-file=PATH, --key-file=PATH   for a collector\n"
	"      --help\n";

static const char help_explain[] =
	"usage: podfit explain [--from=SOURCE] [NAMESPACE/]WORKLOAD[/CONTAINER]\n\n"
	"How a recommendation came about: every step in words and figures, all policies side by side.\n\n"
	"      --from=SOURCE     the agent's socket (" PF_CTL_DEFAULT_SOCKET "), a report file or\n"
	"                        directory, - (standard input), or a collector's http(s):// address\n"
	"      --token-file=PATH, --ca-file=PATH, --cert-file=PATH, --key-file=PATH   for a collector\n"
	"      --help\n";

static const char help_leaks[] =
	"usage: podfit leaks [--from=SOURCE] [-o table|json]\n"
	"       podfit leaks --from-csv=PATH [--mode=podfit|baseline] [-o csv|table|json]\n\n"
	"Which containers leak memory, how fast, until when it lasts, and where it happens.\n\n"
	"      --from=SOURCE     the agent's socket (" PF_CTL_DEFAULT_SOCKET "), a report file or\n"
	"                        directory, - (standard input), or a collector's http(s):// address\n"
	"      --from-csv=PATH   recorded series instead: a CSV file or a folder of them\n"
	"      --mode=MODE       podfit (default), or the owner's baseline rule\n"
	"  -o, --output=FORMAT   table (default), json; csv with --from-csv\n"
	"      --filter=TERMS    such as namespace=shop\n"
	"      --token-file=PATH, --ca-file=PATH, --cert-file=PATH, --key-file=PATH   for a collector\n"
	"      --help\n";

static int failed(const struct run *run, const char *error)
{
	fprintf(stderr, "podfit %s: %s\n", run->name, error);
	return PF_EXIT_FAILED;
}

static void flush_out(struct run *run)
{
	/* Text follows the locale; formats that programs read do not. main() looks at the result. */
	bool as_is = run->command != EXPLAIN && strcmp(run->format, "table") != 0;

	if (run->out.len)
		pf_plain_text_write(run->out.data, run->out.len, as_is || pf_plain_text_is_utf8(),
				    stdout);
	pf_buf_reset(&run->out);
}

/* ---- rows of an agent or of files ---- */

static bool has_verdict(const struct pf_recommendation *rec, enum pf_verdict verdict)
{
	for (size_t i = 0; rec && i < rec->nr_findings; i++)
		if (rec->findings[i].verdict == verdict)
			return true;
	return false;
}

static double savings_of(const struct pf_group *group)
{
	const struct pf_recommendation *rec = group->row.rec;

	if (!rec || !rec->savings.known)
		return 0;
	/* A core and 8 GiB cost about the same where nobody tells prices. */
	return (double)rec->savings.cpu_millicores / 1000 +
	       (double)rec->savings.memory_bytes / (8.0 * PF_GIB);
}

static int by_savings(const void *left, const void *right)
{
	double a = savings_of(left), b = savings_of(right);

	return a < b ? 1 : a > b ? -1 : pf_group_by_name(left, right);
}

static void add_process(struct pf_buf *out, const struct pf_growth_process *p)
{
	(void)pf_buf_addf(out, "  process %u %s: %s", p->pid, p->comm,
			  pf_human_bytes(p->anon_bytes).text);
	if (!isnan(p->slope_bytes_per_hour))
		(void)pf_buf_addf(
			out, ", grows by %s",
			pf_human(PF_QUANTITY_BYTES_PER_HOUR, p->slope_bytes_per_hour).text);
	if (p->nr_sockets != PF_UNKNOWN)
		(void)pf_buf_addf(out, "; holds %llu sockets", (unsigned long long)p->nr_sockets);
	if (p->nr_memory_files != PF_UNKNOWN)
		(void)pf_buf_addf(out, ", %llu files in memory of %s",
				  (unsigned long long)p->nr_memory_files,
				  pf_human_bytes(p->memory_file_bytes).text);
	(void)pf_buf_adds(out, "\n");
}

/* Without a name it is a place in a file; the build id tells which one it was. */
static void add_frame(struct pf_buf *out, const struct pf_stack_frame *frame)
{
	const char *file = frame->module ? strrchr(frame->module, '/') : NULL;

	if (frame->symbol) {
		(void)pf_buf_adds(out, frame->symbol);
	} else if (frame->module && frame->offset != PF_UNKNOWN) {
		(void)pf_buf_addf(out, "%s+0x%llx", file ? file + 1 : frame->module,
				  (unsigned long long)frame->offset);
		if (frame->build_id)
			(void)pf_buf_addf(out, " (build id %.12s)", frame->build_id);
	} else {
		(void)pf_buf_addf(out, "0x%llx", (unsigned long long)frame->address);
	}
}

static void add_growth(struct pf_buf *out, const struct pf_leak_finding *leak)
{
	(void)pf_buf_addf(out, "  grows by %s (%s to %s)",
			  pf_human(PF_QUANTITY_BYTES_PER_HOUR, leak->slope_bytes_per_hour).text,
			  pf_human(PF_QUANTITY_BYTES_PER_HOUR, leak->slope_low).text,
			  pf_human(PF_QUANTITY_BYTES_PER_HOUR, leak->slope_high).text);
	if (leak->kind != PF_KIND_UNKNOWN)
		(void)pf_buf_addf(out, ", %s of it %s",
				  pf_human(PF_QUANTITY_RATIO, leak->kind_share).text,
				  pf_memory_kind_name(leak->kind));
	(void)pf_buf_addf(out, "\n  now %s", pf_human_bytes(leak->now_bytes).text);
	if (leak->pre_leak_bytes != PF_UNKNOWN)
		(void)pf_buf_addf(out, ", before the leak %s",
				  pf_human_bytes(leak->pre_leak_bytes).text);
	(void)pf_buf_addf(out, "; since %s", pf_human_time(leak->since_unix_ns).text);
	if (leak->test)
		(void)pf_buf_addf(out, " (%s)", leak->test);
	if (leak->nr_restarts)
		(void)pf_buf_addf(out, "; restarts: %u", leak->nr_restarts);
	(void)pf_buf_adds(out, "\n");
}

static void add_exhaustion(struct pf_buf *out, const struct pf_leak_finding *leak)
{
	uint64_t low_ns = leak->eta_low_unix_ns, high_ns = leak->eta_high_unix_ns;

	if (leak->eta_unix_ns == PF_UNKNOWN) {
		(void)pf_buf_adds(out, "  no limit is in sight\n");
		return;
	}
	(void)pf_buf_addf(out, "  the %s's limit of %s is reached at %s",
			  leak->effective_limit_of ? leak->effective_limit_of : "container",
			  pf_human_bytes(leak->effective_limit_bytes).text,
			  pf_human_rfc3339(leak->eta_unix_ns).text);
	if (low_ns != PF_UNKNOWN && high_ns != PF_UNKNOWN)
		(void)pf_buf_addf(out, " (%s to %s)", pf_human_rfc3339(low_ns).text,
				  pf_human_rfc3339(high_ns).text);
	else if (low_ns != PF_UNKNOWN)
		(void)pf_buf_addf(out, " (at the earliest %s)", pf_human_rfc3339(low_ns).text);
	(void)pf_buf_adds(out, "\n");
}

/* Several places of one function are one line: they read the same. */
static bool same_names(const struct pf_growth_trace *a, const struct pf_growth_trace *b)
{
	if (a->nr_frames != b->nr_frames)
		return false;
	for (size_t i = 0; i < a->nr_frames; i++) {
		const struct pf_stack_frame *x = &a->frames[i], *y = &b->frames[i];

		if (x->symbol && y->symbol ? strcmp(x->symbol, y->symbol) != 0
					   : x->symbol || y->symbol || x->address != y->address)
			return false;
	}
	return true;
}

static void add_stack(struct pf_buf *out, const struct pf_growth_trace *stack, double share)
{
	(void)pf_buf_addf(out,
			  "  stack of %s of the growth:", pf_human(PF_QUANTITY_RATIO, share).text);
	for (size_t i = 0; i < stack->nr_frames; i++) {
		(void)pf_buf_adds(out, i ? " < " : " ");
		add_frame(out, &stack->frames[i]);
	}
	(void)pf_buf_adds(out, "\n");
}

/* What reads the same is one line, the largest first. */
static void add_stacks(struct pf_buf *out, const struct pf_leak_finding *leak)
{
	double shares[STACKS_MAX] = { 0 };
	size_t nr = PF_MIN(leak->nr_stacks, (size_t)STACKS_MAX);

	for (size_t i = 0; i < nr; i++) {
		size_t first = 0;

		while (!same_names(&leak->stacks[first], &leak->stacks[i]))
			first++;
		shares[first] += leak->stacks[i].share;
	}
	for (size_t told = 0; told < nr; told++) {
		size_t most = 0;

		for (size_t i = 1; i < nr; i++)
			if (shares[i] > shares[most])
				most = i;
		if (shares[most] <= 0)
			return;
		add_stack(out, &leak->stacks[most], shares[most]);
		shares[most] = 0;
	}
}

static void add_leak(struct run *run, const struct pf_group *group)
{
	const struct pf_leak_finding *leak = group->row.leak;
	const struct pf_view_name *name = &group->row.name;
	struct pf_buf *out = &run->out;

	(void)pf_buf_addf(out, "%s%s%s/%s: %s, %s\n", name->namespace_name,
			  name->namespace_name[0] ? "/" : "", name->workload, name->container,
			  leak->state == PF_LEAK_ALARM	   ? "leaks"
			  : leak->state == PF_LEAK_SUSPECT ? "may leak"
							   : "only the baseline rule alarms",
			  pf_severity_name(leak->severity));
	if (leak->state == PF_LEAK_NONE) { /* its rule tells no line */
		(void)pf_buf_addf(out, "  projected exhaustion %s\n",
				  pf_human_rfc3339(leak->baseline_eta_unix_ns).text);
	} else {
		add_growth(out, leak);
		add_exhaustion(out, leak);
	}
	for (size_t i = 0; i < leak->nr_processes; i++)
		add_process(out, &leak->processes[i]);
	add_stacks(out, leak);
	if (leak->stacks_note)
		(void)pf_buf_addf(out, "  stacks: %s\n", leak->stacks_note);
}

static int print_leaks(struct run *run, const struct pf_group *groups, size_t nr)
{
	size_t found = 0;

	for (size_t i = 0; i < nr; i++)
		if (groups[i].row.leak) {
			add_leak(run, &groups[i]);
			found++;
		}
	if (!found)
		(void)pf_buf_adds(&run->out, "No leak is known.\n");
	return run->out.err;
}

static int print_rows(struct run *run, const struct pf_view_row *rows, size_t nr)
{
	enum pf_advice_format format;
	int r = 0;

	if (run->command == REPORT)
		return pf_advice_format_parse(run->format, &format) < 0
			       ? -EINVAL
			       : pf_advice_print(format, rows, nr, &run->out);
	for (size_t i = 0; i < nr && r == 0; i++) {
		if (i)
			(void)pf_buf_adds(&run->out, "\n");
		r = pf_advice_explain(&rows[i], &run->out);
	}
	return r;
}

/* Files to apply want the containers of one workload together; tables begin with what is worst. */
static const char *order_of(const struct run *run)
{
	static const char *const applied[] = { "patch", "vpa", "kustomize", "helm-values" };

	for (size_t i = 0; i < PF_ARRAY_SIZE(applied); i++)
		if (!strcmp(run->format, applied[i]))
			return "name";
	if (run->sort)
		return run->sort;
	return strcmp(run->format, "table") ? "name" : "risk";
}

static int print_groups(struct run *run, const struct pf_report *report, struct pf_groups *groups)
{
	PF_AUTO(pf_freep) struct pf_view_row *rows = calloc(groups->nr_groups + 1, sizeof(*rows));
	size_t nr = 0;
	int r;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < groups->nr_groups; i++) {
		const struct pf_group *group = &groups->groups[i];

		if (!pf_filter_match(run->filter, report->node, group->containers[0]->identity))
			continue;
		groups->groups[nr++] = *group;
		run->failed_on = run->failed_on || (run->fail_on != PF_VERDICT_NONE &&
						    has_verdict(group->row.rec, run->fail_on));
	}
	if (!strcmp(order_of(run), "savings"))
		qsort(groups->groups, nr, sizeof(*groups->groups), by_savings);
	else if (!strcmp(order_of(run), "name")) /* else they are by risk already */
		qsort(groups->groups, nr, sizeof(*groups->groups), pf_group_by_name);
	for (size_t i = 0; i < nr; i++) /* they have moved */
		if (groups->groups[i].row.present)
			groups->groups[i].row.present = &groups->groups[i].present;
	if (run->command == LEAKS)
		return print_leaks(run, groups->groups, nr);
	for (size_t i = 0; i < nr; i++)
		rows[i] = groups->groups[i].row;
	r = print_rows(run, rows, nr);
	if (run->command == EXPLAIN && !nr && r == 0) {
		fprintf(stderr, "podfit explain: no container is called %s\n", run->filter_text);
		return -ENOENT;
	}
	return r;
}

/* JSON of a leak is the protobuf's own, and so is its source. */
static int print_json_leaks(struct run *run)
{
	PF_AUTO(pf_client_freep) struct pf_client *client = NULL;
	char error[512];

	run->client.where = run->from;
	if (pf_client_new(&run->client, &client, error, sizeof(error)) < 0 ||
	    pf_client_get(client, "/v1/leaks", "application/json", &run->out, error,
			  sizeof(error)) < 0)
		return failed(run, error);
	flush_out(run);
	return PF_EXIT_OK;
}

static int print_report(struct run *run, const struct pf_report *report)
{
	struct pf_groups groups;
	int r;

	if (run->command == REPORT && !strcmp(run->format, "html"))
		return pf_report_html(&run->out, report);
	r = pf_groups_of(report, &groups);
	if (r < 0)
		return r;
	r = print_groups(run, report, &groups);
	pf_groups_done(&groups);
	return r;
}

static int print_reports(struct run *run, const struct pf_ctl_reports *reports)
{
	for (size_t i = 0; i < reports->nr_reports; i++) {
		int r = print_report(run, &reports->reports[i]);

		if (r == -ENOENT)
			return PF_EXIT_FAILED;
		if (r < 0)
			return failed(run, strerror(-r));
		flush_out(run);
	}
	return PF_EXIT_OK;
}

/* ---- a collector answers itself ---- */

#define LIMIT "100000" /* as many as one answer may have: all of them */

static int get(struct run *run, struct pf_client *client, const char *page, const char *format,
	       const char *verdict)
{
	struct pf_buf path;
	char error[512];
	int r;

	pf_buf_init(&path, 4096);
	(void)pf_buf_adds(&path, page);
	(void)pf_client_add_query(&path, "limit", LIMIT);
	(void)pf_client_add_query(&path, "sort",
				  !strcmp(order_of(run), "name")      ? "name"
				  : !strcmp(order_of(run), "savings") ? "-savings"
								      : "-risk");
	r = pf_client_add_query(&path, "format", format);
	if (r == 0 && run->filter_text)
		r = pf_client_add_query(&path, "filter", run->filter_text);
	if (r == 0 && verdict)
		r = pf_client_add_query(&path, "verdict", verdict);
	if (r == 0)
		r = pf_client_get(client, path.data, "*/*", &run->out, error, sizeof(error));
	else
		(void)snprintf(error, sizeof(error), "%s", strerror(-r));
	pf_buf_done(&path);
	return r < 0 ? failed(run, error) : PF_EXIT_OK;
}

/* What is put into words here; the collector gives the containers that the filter fits. */
static int print_url(struct run *run, struct pf_client *client, const char *page)
{
	struct pf_ctl_reports reports = { 0 };
	PF_AUTO(pf_buf_done) struct pf_buf path;
	char error[512];
	int code;

	pf_buf_init(&path, 4096);
	(void)pf_buf_adds(&path, page);
	if (pf_client_add_query(&path, "limit", LIMIT) < 0 ||
	    (run->filter_text && pf_client_add_query(&path, "filter", run->filter_text) < 0))
		return failed(run, "the filter is too long");
	code = pf_ctl_read_agent(client, path.data, &reports, error, sizeof(error));
	if (code != PF_EXIT_OK) {
		(void)failed(run, error);
		return code;
	}
	code = print_reports(run, &reports);
	pf_ctl_reports_done(&reports);
	if (code != PF_EXIT_OK && run->command == EXPLAIN && pf_client_is_behind(client))
		fprintf(stderr,
			"podfit explain: the collector has newer reports that are not merged "
			"yet: if it is new, try again in a moment\n");
	return code;
}

static int run_url(struct run *run)
{
	PF_AUTO(pf_client_freep) struct pf_client *client = NULL;
	char error[512];
	int code;

	run->client.where = run->from;
	run->client.timeout_s = 60;
	if (pf_client_new(&run->client, &client, error, sizeof(error)) < 0)
		return failed(run, error);
	if (run->command == EXPLAIN || (run->command == REPORT && !strcmp(run->format, "html")))
		code = print_url(run, client, "/v1/recommendations");
	else if (run->command == LEAKS && !strcmp(run->format, "table"))
		code = print_url(run, client, "/v1/leaks");
	else
		code = get(run, client, run->command == LEAKS ? "/v1/leaks" : "/v1/recommendations",
			   run->format, NULL);
	flush_out(run);
	if (code == PF_EXIT_OK && run->fail_on != PF_VERDICT_NONE) {
		/* A heading, and a line for each that has it. */
		code = get(run, client, "/v1/recommendations", "csv",
			   pf_verdict_name(run->fail_on));
		for (size_t i = 0, nr = 0; i < run->out.len; i++)
			run->failed_on = run->failed_on || (run->out.data[i] == '\n' && ++nr > 1);
		pf_buf_reset(&run->out);
	}
	return code;
}

static int run_local(struct run *run)
{
	PF_AUTO(pf_client_freep) struct pf_client *client = NULL;
	struct pf_ctl_reports reports = { 0 };
	char error[512] = "";
	int code, print_code;

	if (pf_ctl_source_kind(run->from) == PF_CTL_FILE) {
		code = pf_ctl_read_files(run->from, &reports, error, sizeof(error));
	} else {
		if (run->command == LEAKS && !strcmp(run->format, "json"))
			return print_json_leaks(run);
		run->client.where = run->from;
		if (pf_client_new(&run->client, &client, error, sizeof(error)) < 0)
			return failed(run, error);
		code = pf_ctl_read_agent(client, run->command == LEAKS ? "/v1/leaks" : "/v1/report",
					 &reports, error, sizeof(error));
	}
	/* Of a damaged file what came before the damage is shown. */
	print_code = print_reports(run, &reports);
	pf_ctl_reports_done(&reports);
	if (code != PF_EXIT_OK) {
		fprintf(stderr, "podfit %s: %s\n", run->name, error);
		return code;
	}
	return print_code;
}

static bool is_format(const struct run *run)
{
	enum pf_advice_format format;

	if (run->command == REPORT)
		return !strcmp(run->format, "html") ||
		       pf_advice_format_parse(run->format, &format) == 0;
	return !strcmp(run->format, "table") ||
	       (run->command == LEAKS && !strcmp(run->format, "json"));
}

static int take_option(struct run *run, int option, const char *value)
{
	switch (option) {
	case 'f':
		run->from = value;
		break;
	case 'o':
		run->format = value;
		break;
	case 'F':
		run->filter_text = value;
		break;
	case 's':
		if (strcmp(value, "risk") && strcmp(value, "savings") && strcmp(value, "name"))
			return pf_ctl_usage(run->name, "--sort=%s: not risk, savings or name",
					    value);
		run->sort = value;
		break;
	case 'V':
		run->fail_on = pf_verdict_parse(value);
		if (run->fail_on == PF_VERDICT_NONE)
			return pf_ctl_usage(run->name, "--fail-on=%s: no such verdict", value);
		break;
	case 't':
		run->client.token_file = value;
		break;
	case 'a':
		run->client.ca_file = value;
		break;
	case 'c':
		run->client.cert_file = value;
		break;
	case 'k':
		run->client.key_file = value;
		break;
	default:
		run->want_help = true;
		break;
	}
	return PF_EXIT_OK;
}

static int parse(int argc, char **argv, struct run *run)
{
	static const struct option options[] = { { "from", required_argument, NULL, 'f' },
						 { "output", required_argument, NULL, 'o' },
						 { "filter", required_argument, NULL, 'F' },
						 { "sort", required_argument, NULL, 's' },
						 { "fail-on", required_argument, NULL, 'V' },
						 { "token-file", required_argument, NULL, 't' },
						 { "ca-file", required_argument, NULL, 'a' },
						 { "cert-file", required_argument, NULL, 'c' },
						 { "key-file", required_argument, NULL, 'k' },
						 { "help", no_argument, NULL, 'h' },
						 { 0 } };
	char error[256] = "out of memory";
	int c, code;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		if (c == '?')
			return pf_ctl_usage(run->name, "%s: no such flag, or its value is missing",
					    argv[optind - 1]);
		code = take_option(run, c, optarg);
		if (code != PF_EXIT_OK)
			return code;
	}
	if (run->want_help)
		return PF_EXIT_OK;
	if (run->command == EXPLAIN && optind + 1 == argc)
		run->filter_text = argv[optind++];
	else if (run->command == EXPLAIN)
		return pf_ctl_usage(run->name,
				    "names one container: [NAMESPACE/]WORKLOAD[/CONTAINER]");
	if (optind < argc)
		return pf_ctl_usage(run->name, "%s: takes no arguments", argv[optind]);
	if (!is_format(run))
		return pf_ctl_usage(run->name, "-o %s: no such format", run->format);
	if (pf_filter_parse(run->filter_text, &run->filter, error, sizeof(error)) < 0)
		return pf_ctl_usage(run->name, "--filter: %s", error);
	return PF_EXIT_OK;
}

static int run_command(struct run *run, int argc, char **argv, const char *help)
{
	int code;

	run->from = PF_CTL_DEFAULT_SOCKET;
	run->format = "table";
	code = parse(argc, argv, run);
	pf_buf_init(&run->out, OUTPUT_MAX);
	if (code == PF_EXIT_OK && run->want_help)
		fputs(help, stdout);
	else if (code == PF_EXIT_OK)
		code = pf_ctl_source_kind(run->from) == PF_CTL_URL ? run_url(run) : run_local(run);
	pf_buf_done(&run->out);
	pf_filter_free(run->filter);
	return code == PF_EXIT_OK && run->failed_on ? PF_EXIT_VERDICT : code;
}

int pf_ctl_report(int argc, char **argv)
{
	struct run run = { .command = REPORT, .name = "report" };

	return run_command(&run, argc, argv, help_report);
}

int pf_ctl_explain(int argc, char **argv)
{
	struct run run = { .command = EXPLAIN, .name = "explain" };

	return run_command(&run, argc, argv, help_explain);
}

/* --from-csv is another matter: recorded series through the detector. */
static int leaks_from_csv(int argc, char **argv)
{
	static const struct option options[] = { { "from-csv", required_argument, NULL, 'f' },
						 { "mode", required_argument, NULL, 'm' },
						 { "output", required_argument, NULL, 'o' },
						 { 0 } };
	const char *path = NULL, *mode = "podfit", *format = "table";
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		if (c == 'f')
			path = optarg;
		else if (c == 'm')
			mode = optarg;
		else if (c == 'o')
			format = optarg;
		else if (!strcmp(argv[optind - 1], "--from-csv"))
			return pf_ctl_usage("leaks", "--from-csv: wants a file or a folder");
		else
			return pf_ctl_usage("leaks", "%s: not with --from-csv", argv[optind - 1]);
	}
	if (optind < argc || !path)
		return pf_ctl_usage("leaks", "%s: one --from-csv=PATH is all it takes",
				    optind < argc ? argv[optind] : "--from-csv");
	return pf_ctl_leaks_csv(path, mode, format, stdout, stderr);
}

int pf_ctl_leaks(int argc, char **argv)
{
	struct run run = { .command = LEAKS, .name = "leaks" };

	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], "--from-csv", 10))
			return leaks_from_csv(argc, argv);
	return run_command(&run, argc, argv, help_leaks);
}
