// SPDX-License-Identifier: Apache-2.0
/*
 * top.c - podfit top: what the containers of this node do, live.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/parse.h"
#include "ctl/ctl.h"
#include "ctl/source.h"
#include "ctl/top.h"

static const char help[] =
	"usage: podfit top [--FLAG=VALUE ...]\n\n"
	"A live table of the containers of this node. Without a terminal: plain lines.\n"
	"Where no podfit-agent runs, root gets one of its own for as long as top runs.\n\n"
	"      --from=PATH       the agent's socket (" PF_CTL_DEFAULT_SOCKET "), a report file or\n"
	"                        directory: then the newest report is shown once\n"
	"      --sort=KEY        cpu (default), throttled, runq, memory, trend, psi, name\n"
	"      --filter=PARTS    such as namespace=shop,workload=cart* or label:app=web\n"
	"      --interval=TIME   between two refreshes (2s)\n"
	"      --count=N         end after N refreshes\n"
	"      --duration=TIME   end after so long\n"
	"      --plain           plain lines on a terminal too\n"
	"      --help\n";

struct top {
	const char *from;
	bool from_given, plain, want_help;
	struct pf_top_view view;
	struct pf_filter *filter;
	struct pf_client *client;
	struct pf_top_agent agent;
	struct pf_ctl_reports reports;
	uint64_t duration_ns;
};

static volatile sig_atomic_t stopped;

static void on_signal(int signo)
{
	(void)signo;
	stopped = 1;
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * PF_NS_PER_S + (uint64_t)now.tv_nsec;
}

static const struct pf_report *fetch(void *arg, char *error, size_t error_size)
{
	struct top *top = arg;

	pf_ctl_reports_done(&top->reports);
	if (pf_ctl_read_agent(top->client, "/v1/report?slices=false", &top->reports, error,
			      error_size) != PF_EXIT_OK)
		return NULL;
	return &top->reports.reports[0];
}

static int print_plain(const struct pf_top_view *view, const struct pf_report *report)
{
	struct pf_top_row *rows;
	size_t nr_rows, width = sizeof("CONTAINER") - 1;
	char text[512];

	if (pf_top_rows(report, view->filter, view->key, view->ascending, &rows, &nr_rows) < 0) {
		fprintf(stderr, "podfit top: out of memory\n");
		return PF_EXIT_FAILED;
	}
	for (size_t i = 0; i < nr_rows; i++)
		width = PF_MAX(width, strlen(rows[i].name));
	pf_top_heading(report, nr_rows, text, sizeof(text));
	printf("%s\n%-*s", text, (int)width, "CONTAINER");
	for (size_t c = 0; c < PF_TOP_COLUMNS; c++)
		printf(" %*s", pf_top_columns[c].width, pf_top_columns[c].title);
	printf("\n");
	for (size_t i = 0; i < nr_rows; i++) {
		printf("%-*s", (int)width, rows[i].name);
		for (size_t c = 0; c < PF_TOP_COLUMNS; c++) {
			pf_top_cell(&rows[i], c, text);
			printf(" %*s", pf_top_columns[c].width, text);
		}
		printf("%s%s\n", rows[i].verdict[0] ? " " : "", rows[i].verdict);
	}
	free(rows);
	return PF_EXIT_OK;
}

/* Return: false when the view's time is over. */
static bool wait_next(const struct pf_top_view *view)
{
	uint64_t now_ns = monotonic_ns(), wait_ns = (uint64_t)(view->interval_s * 1e9);
	struct timespec pause;

	if (view->until_ns && now_ns + wait_ns >= view->until_ns)
		wait_ns = view->until_ns > now_ns ? view->until_ns - now_ns : 0;
	pause = (struct timespec){ (time_t)(wait_ns / PF_NS_PER_S), (long)(wait_ns % PF_NS_PER_S) };
	(void)nanosleep(&pause, NULL); /* a signal ends the wait */
	return !view->until_ns || monotonic_ns() < view->until_ns;
}

static int run_plain(struct top *top)
{
	const struct sigaction action = { .sa_handler = on_signal };
	const struct pf_top_view *view = &top->view;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	for (uint64_t nr = 0; !stopped;) {
		char error[512];
		const struct pf_report *report = fetch(top, error, sizeof(error));
		int code;

		if (!report) {
			fprintf(stderr, "podfit top: %s\n", error);
			return PF_EXIT_FAILED;
		}
		code = print_plain(view, report);
		if (code != PF_EXIT_OK || fflush(stdout) == EOF)
			return code ? code : PF_EXIT_FAILED;
		if ((view->count && ++nr >= view->count) || !wait_next(view))
			break;
		printf("\n");
	}
	return PF_EXIT_OK;
}

static int show_files(struct top *top)
{
	char error[512];
	int code = pf_ctl_read_files(top->from, &top->reports, error, sizeof(error));

	for (size_t i = 0; i < top->reports.nr_reports; i++)
		(void)print_plain(&top->view, &top->reports.reports[i]); /* fails for memory only */
	if (code != PF_EXIT_OK)
		fprintf(stderr, "podfit top: %s\n", error);
	return code;
}

static int connect_agent(struct top *top)
{
	struct pf_client_opts opts = { .where = top->from };
	char error[600] = "";

	if (!top->from_given && access(top->from, F_OK) < 0) {
		if (geteuid() != 0) {
			fprintf(stderr,
				"podfit top: no podfit-agent runs here (%s is not there); "
				"start one as root, or run podfit top as root, which "
				"starts one of its own\n",
				top->from);
			return PF_EXIT_UNSUPPORTED;
		}
		if (pf_top_agent_start(top->view.interval_s, &top->agent, error, sizeof(error)) <
		    0) {
			fprintf(stderr, "podfit top: %s\n", error);
			return PF_EXIT_UNSUPPORTED;
		}
		opts.where = top->agent.socket;
	}
	if (pf_client_new(&opts, &top->client, error, sizeof(error)) < 0) {
		fprintf(stderr, "podfit top: %s\n", error);
		return PF_EXIT_FAILED;
	}
	return PF_EXIT_OK;
}

static int take_option(struct top *top, int option, const char *value)
{
	char error[256] = "out of memory";
	uint64_t ns;

	switch (option) {
	case 'f':
		top->from = value;
		top->from_given = true;
		break;
	case 's':
		if (pf_top_key_parse(value, &top->view.key) < 0)
			return pf_ctl_usage("top",
					    "--sort=%s: not cpu, throttled, runq, memory, trend, "
					    "psi or name",
					    value);
		break;
	case 'F':
		pf_filter_free(pf_take(top->filter));
		if (pf_filter_parse(value, &top->filter, error, sizeof(error)) < 0)
			return pf_ctl_usage("top", "--%s", error);
		break;
	case 'i':
		if (pf_parse_duration(value, &ns) < 0 || ns < 100 * PF_NS_PER_MS ||
		    ns > PF_NS_PER_HOUR)
			return pf_ctl_usage("top", "--interval=%s: not a time from 100ms to 1h",
					    value);
		top->view.interval_s = (double)ns / (double)PF_NS_PER_S;
		break;
	case 'c':
		if (pf_parse_u64(value, &top->view.count) < 0 || !top->view.count)
			return pf_ctl_usage("top", "--count=%s: not a number above 0", value);
		break;
	case 'd':
		if (pf_parse_duration(value, &top->duration_ns) < 0)
			return pf_ctl_usage("top", "--duration=%s: not a time such as 60s", value);
		break;
	case 'p':
		top->plain = true;
		break;
	case 'h':
		top->want_help = true;
		break;
	default:
		return PF_EXIT_USAGE;
	}
	return PF_EXIT_OK;
}

static int parse(int argc, char **argv, struct top *top)
{
	static const struct option options[] = {
		{ "from", required_argument, NULL, 'f' },
		{ "sort", required_argument, NULL, 's' },
		{ "filter", required_argument, NULL, 'F' },
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'c' },
		{ "duration", required_argument, NULL, 'd' },
		{ "plain", no_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		int code;

		if (c == '?')
			return pf_ctl_usage("top", "%s: no such flag, or its value is missing",
					    argv[optind - 1]);
		code = take_option(top, c, optarg);
		if (code != PF_EXIT_OK)
			return code;
	}
	if (optind < argc)
		return pf_ctl_usage("top", "%s: takes no arguments", argv[optind]);
	return PF_EXIT_OK;
}

static int run(struct top *top)
{
	enum pf_ctl_source_kind kind = pf_ctl_source_kind(top->from);
	int code;

	if (kind == PF_CTL_URL)
		return pf_ctl_usage("top",
				    "%s: top shows one node; for the fleet: podfit report "
				    "--from URL",
				    top->from);
	if (kind == PF_CTL_FILE)
		return show_files(top);
	code = connect_agent(top);
	if (code != PF_EXIT_OK)
		return code;
	if (top->duration_ns)
		top->view.until_ns = monotonic_ns() + top->duration_ns;
	top->view.arg = top;
	top->view.fetch = fetch;
	if (top->plain || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		return run_plain(top);
	return pf_top_screen(&top->view);
}

int pf_ctl_top(int argc, char **argv)
{
	struct top top = { .from = PF_CTL_DEFAULT_SOCKET,
			   .view = { .key = PF_TOP_CPU, .interval_s = 2 } };
	int code = parse(argc, argv, &top);

	top.view.filter = top.filter;
	if (code == PF_EXIT_OK && top.want_help)
		fputs(help, stdout);
	else if (code == PF_EXIT_OK)
		code = run(&top);
	pf_ctl_reports_done(&top.reports);
	pf_client_free(top.client);
	pf_top_agent_stop(&top.agent);
	pf_filter_free(top.filter);
	return code;
}
