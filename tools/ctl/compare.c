// SPDX-License-Identifier: Apache-2.0
/*
 * compare.c - podfit compare: asks a collector whether a canary does worse than what is stable.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <string.h>
#include <yajl/yajl_tree.h>

#include "base/parse.h"
#include "core/compare.h"
#include "core/filter.h"
#include "ctl/client.h"
#include "ctl/ctl.h"
#include "report/measure.h"

/* An answer has some kilobytes. The bound also keeps yajl's recursion over nested values short. */
enum { ANSWER_MAX = 64 << 10, NR_COLUMNS = 6 };

struct run {
	const char *from, *stable, *canary, *filter, *window, *mode, *format;
	int fail_on; /* pf_decision; 0: never */
	bool want_help;
	struct pf_client_opts client;
};

static const char help[] =
	"usage: podfit compare --from=URL --stable=FILTER --canary=FILTER [--FLAG=VALUE ...]\n\n"
	"Compares two sets of pods over the last hours: what got worse, how sure that is, and\n"
	"whether to CONTINUE, PAUSE or ROLLBACK. A collector answers: one node rarely has both.\n\n"
	"      --from=URL        the collector's http(s):// address\n"
	"      --stable=FILTER, --canary=FILTER   such as label:track=canary\n"
	"      --filter=TERMS    what both have in common, such as namespace=shop,workload=web\n"
	"      --window=2h       how far back. Evidence comes in hours: the first one counts from its\n"
	"                        start, and hours in which only one side ran are left out\n"
	"      --mode=MODE       podfit (default), or the owner's baseline rules\n"
	"  -o, --output=FORMAT   table (default), json\n"
	"      --fail-on=PAUSE   or ROLLBACK: exit code 3 if the decision is that or worse\n"
	"      --token-file=PATH, --ca-file=PATH, --cert-file=PATH, --key-file=PATH\n"
	"      --help\n\n"
	"Exit code 1 where either set has no instance in the window: nothing was compared.\n";

static int failed(const char *error)
{
	fprintf(stderr, "podfit compare: %s\n", error);
	return PF_EXIT_FAILED;
}

/* ---- the answer ---- */

static yajl_val member(yajl_val object, const char *name)
{
	const char *path[] = { name, NULL };

	return YAJL_IS_OBJECT(object) ? yajl_tree_get(object, path, yajl_t_any) : NULL;
}

static const char *text_of(yajl_val object, const char *name)
{
	yajl_val value = member(object, name);

	return YAJL_IS_STRING(value) ? YAJL_GET_STRING(value) : "";
}

static double number_of(yajl_val object, const char *name)
{
	yajl_val value = member(object, name);

	return YAJL_IS_DOUBLE(value)	? YAJL_GET_DOUBLE(value)
	       : YAJL_IS_INTEGER(value) ? (double)YAJL_GET_INTEGER(value)
					: NAN;
}

static uint64_t uint_of(yajl_val object, const char *name)
{
	yajl_val value = member(object, name);

	return YAJL_IS_INTEGER(value) && YAJL_GET_INTEGER(value) >= 0
		       ? (uint64_t)YAJL_GET_INTEGER(value)
		       : PF_UNKNOWN;
}

static int decision_of(const char *name, enum pf_decision *ret_decision)
{
	for (int i = PF_CONTINUE; i <= PF_ROLLBACK; i++)
		if (!strcmp(name, pf_decision_name((enum pf_decision)i))) {
			*ret_decision = (enum pf_decision)i;
			return 0;
		}
	return -EINVAL;
}

/* ---- as a table ---- */

/* Text from elsewhere cannot steer the terminal. Return: columns taken. */
static int put(const char *text)
{
	int columns = 0;

	for (; *text; text++) {
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	}
	return columns;
}

static void put_row(const char *const cells[NR_COLUMNS])
{
	static const int widths[NR_COLUMNS] = { 32, 14, 14, 14, 30, 0 };

	for (size_t i = 0; i < NR_COLUMNS; i++) {
		int columns = put(cells[i]);

		if (i + 1 < NR_COLUMNS)
			printf("%*s", columns < widths[i] ? widths[i] - columns : 1, "");
	}
	putchar('\n');
}

static void put_measure(yajl_val row)
{
	const struct pf_measure_shown *shown = NULL;
	const char *name = text_of(row, "measure"), *outcome = text_of(row, "outcome");
	double stable = number_of(row, "stable"), canary = number_of(row, "canary");
	double low = number_of(row, "difference_low"), high = number_of(row, "difference_high");
	char interval[128] = "-";

	for (size_t i = 0; i < PF_NR_MEASURES; i++)
		if (!strcmp(name, pf_measure_name((enum pf_measure)i)))
			shown = pf_measure_shown((enum pf_measure)i);
	if (!shown) /* a newer collector's */
		return;
	if (!isnan(low) && !isnan(high))
		(void)snprintf(interval, sizeof(interval), "%s to %s",
			       pf_human_change(shown->quantity, low).text,
			       pf_human_change(shown->quantity, high).text);
	put_row((const char *const[NR_COLUMNS]){
		shown->words, pf_human(shown->quantity, stable).text,
		pf_human(shown->quantity, canary).text,
		pf_human_change(shown->quantity, canary - stable).text, interval,
		strcmp(outcome, pf_outcome_name(PF_OUTCOME_UNKNOWN)) ? outcome : "not measured" });
}

static void print_table(yajl_val answer)
{
	static const char *const titles[NR_COLUMNS] = { "MEASURE",    "STABLE",	       "CANARY",
							"DIFFERENCE", "95 % INTERVAL", "OUTCOME" };
	yajl_val reasons = member(answer, "reasons"), rows = member(answer, "measures");
	uint64_t nr_hours = uint_of(answer, "nr_hours");
	uint64_t nr_left_out = uint_of(answer, "nr_hours_left_out");

	put(text_of(answer, "verdict"));
	printf(", confidence ");
	put(text_of(answer, "confidence"));
	printf(" (mode ");
	put(text_of(answer, "mode"));
	printf(")\n%s stable and %s canary instances, %s to %s, %s %s in which both ran\n",
	       pf_human_count(uint_of(answer, "nr_stable")).text,
	       pf_human_count(uint_of(answer, "nr_canary")).text,
	       pf_human_time(uint_of(answer, "from_unix_ns")).text,
	       pf_human_time(uint_of(answer, "to_unix_ns")).text, pf_human_count(nr_hours).text,
	       nr_hours == 1 ? "hour" : "hours");
	if (nr_left_out && nr_left_out < PF_NO_LIMIT)
		printf("%s %s left out: only one side ran\n", pf_human_count(nr_left_out).text,
		       nr_left_out == 1 ? "hour is" : "hours are");
	for (size_t i = 0; YAJL_IS_ARRAY(reasons) && i < YAJL_GET_ARRAY(reasons)->len; i++) {
		yajl_val reason = YAJL_GET_ARRAY(reasons)->values[i];

		printf("  ");
		put(YAJL_IS_STRING(reason) ? YAJL_GET_STRING(reason) : "");
		putchar('\n');
	}
	putchar('\n');
	put_row(titles);
	for (size_t i = 0; YAJL_IS_ARRAY(rows) && i < YAJL_GET_ARRAY(rows)->len; i++)
		put_measure(YAJL_GET_ARRAY(rows)->values[i]);
}

static int print_answer(const struct run *run, const struct pf_buf *body)
{
	char error[256];
	enum pf_decision decision;
	uint64_t nr_stable, nr_canary;
	yajl_val answer = yajl_tree_parse(body->data ? body->data : "", error, sizeof(error));

	if (!answer || decision_of(text_of(answer, "verdict"), &decision) < 0) {
		yajl_tree_free(answer);
		return failed("the answer is no comparison: is --from a podfit-collector?");
	}
	if (!strcmp(run->format, "json"))
		fputs(body->data, stdout);
	else
		print_table(answer);
	nr_stable = uint_of(answer, "nr_stable");
	nr_canary = uint_of(answer, "nr_canary");
	yajl_tree_free(answer);
	if (!nr_stable || !nr_canary) {
		fprintf(stderr,
			"podfit compare: no data: no container that --%s=%s names was seen; see the "
			"filter's spelling and the window\n",
			nr_stable ? "canary" : "stable", nr_stable ? run->canary : run->stable);
		return PF_EXIT_FAILED;
	}
	return run->fail_on && (int)decision >= run->fail_on ? PF_EXIT_VERDICT : PF_EXIT_OK;
}

/* ---- the question ---- */

static int ask(struct run *run, struct pf_buf *body)
{
	PF_AUTO(pf_client_freep) struct pf_client *client = NULL;
	PF_AUTO(pf_buf_done) struct pf_buf path;
	char error[512];
	int r;

	pf_buf_init(&path, 4096);
	(void)pf_buf_adds(&path, "/v1/compare");
	(void)pf_client_add_query(&path, "stable", run->stable);
	(void)pf_client_add_query(&path, "canary", run->canary);
	(void)pf_client_add_query(&path, "window", run->window);
	r = pf_client_add_query(&path, "mode", run->mode);
	if (r == 0 && run->filter)
		r = pf_client_add_query(&path, "filter", run->filter);
	if (r < 0)
		return failed(r == -ENOSPC ? "the filters are too long" : strerror(-r));
	run->client.where = run->from;
	run->client.timeout_s = 60;
	if (pf_client_new(&run->client, &client, error, sizeof(error)) < 0 ||
	    pf_client_get(client, path.data, "application/json", body, error, sizeof(error)) < 0)
		return failed(error);
	return PF_EXIT_OK;
}

static int check_filter(const char *flag, const char *text)
{
	PF_AUTO(pf_filter_freep) struct pf_filter *filter = NULL;
	char error[256] = "too long";

	if (pf_filter_parse(text, &filter, error, sizeof(error)) < 0)
		return pf_ctl_usage("compare", "--%s: %s", flag, error);
	return PF_EXIT_OK;
}

static int check(const struct run *run)
{
	uint64_t window;
	int code;

	if (!run->from || !strstr(run->from, "://"))
		return pf_ctl_usage("compare", "--from= wants a collector's http(s):// address");
	if (!run->stable || !*run->stable || !run->canary || !*run->canary)
		return pf_ctl_usage("compare", "wants --stable= and --canary=, filters such as "
					       "label:track=canary");
	if (pf_parse_duration(run->window, &window) < 0 || !window)
		return pf_ctl_usage("compare", "--window=%s: want a duration such as 2h",
				    run->window);
	if (strcmp(run->mode, "podfit") != 0 && strcmp(run->mode, "baseline") != 0)
		return pf_ctl_usage("compare", "--mode=%s: not podfit or baseline", run->mode);
	if (strcmp(run->format, "table") != 0 && strcmp(run->format, "json") != 0)
		return pf_ctl_usage("compare", "-o %s: not table or json", run->format);
	code = check_filter("stable", run->stable);
	if (code == PF_EXIT_OK)
		code = check_filter("canary", run->canary);
	return code == PF_EXIT_OK ? check_filter("filter", run->filter) : code;
}

static int take_fail_on(struct run *run, const char *value)
{
	enum pf_decision decision;

	if (decision_of(value, &decision) < 0 || decision == PF_CONTINUE)
		return pf_ctl_usage("compare", "--fail-on=%s: not PAUSE or ROLLBACK", value);
	run->fail_on = (int)decision;
	return PF_EXIT_OK;
}

static int parse(int argc, char **argv, struct run *run)
{
	enum { FAIL_ON = 1, HELP, FIRST_TEXT };
	const char **const texts[] = { &run->from,
				       &run->stable,
				       &run->canary,
				       &run->filter,
				       &run->window,
				       &run->mode,
				       &run->client.token_file,
				       &run->client.ca_file,
				       &run->client.cert_file,
				       &run->client.key_file };
	static const struct option options[] = {
		{ "from", required_argument, NULL, FIRST_TEXT },
		{ "stable", required_argument, NULL, FIRST_TEXT + 1 },
		{ "canary", required_argument, NULL, FIRST_TEXT + 2 },
		{ "filter", required_argument, NULL, FIRST_TEXT + 3 },
		{ "window", required_argument, NULL, FIRST_TEXT + 4 },
		{ "mode", required_argument, NULL, FIRST_TEXT + 5 },
		{ "token-file", required_argument, NULL, FIRST_TEXT + 6 },
		{ "ca-file", required_argument, NULL, FIRST_TEXT + 7 },
		{ "cert-file", required_argument, NULL, FIRST_TEXT + 8 },
		{ "key-file", required_argument, NULL, FIRST_TEXT + 9 },
		{ "output", required_argument, NULL, 'o' },
		{ "fail-on", required_argument, NULL, FAIL_ON },
		{ "help", no_argument, NULL, HELP },
		{ 0 }
	};
	int c, code = PF_EXIT_OK;

	opterr = 0;
	while (code == PF_EXIT_OK && (c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		if (c == HELP || c == 'h')
			run->want_help = true;
		else if (c == FAIL_ON)
			code = take_fail_on(run, optarg);
		else if (c == 'o')
			run->format = optarg;
		else if (c == '?')
			code = pf_ctl_usage("compare", "%s: no such flag, or its value is missing",
					    argv[optind - 1]);
		else
			*texts[c - FIRST_TEXT] = optarg;
	}
	if (code != PF_EXIT_OK || run->want_help)
		return code;
	if (optind < argc)
		return pf_ctl_usage("compare", "%s: takes no arguments", argv[optind]);
	return check(run);
}

int pf_ctl_compare(int argc, char **argv)
{
	struct run run = { .window = "2h", .mode = "podfit", .format = "table" };
	PF_AUTO(pf_buf_done) struct pf_buf body;
	int code = parse(argc, argv, &run);

	pf_buf_init(&body, ANSWER_MAX);
	if (code == PF_EXIT_OK && run.want_help) {
		fputs(help, stdout);
		return PF_EXIT_OK;
	}
	if (code == PF_EXIT_OK)
		code = ask(&run, &body);
	return code == PF_EXIT_OK ? print_answer(&run, &body) : code;
}
