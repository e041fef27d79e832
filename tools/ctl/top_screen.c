// SPDX-License-Identifier: Apache-2.0
/*
 * top_screen.c - the live table on a terminal.
 */
#include <locale.h>
#include <math.h>
#include <ncurses.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl.h"
#include "ctl/top.h"

enum {
	NAME_MIN = 24,
	TABLE_LINE = 2, /* first line of the table: after heading and titles */
	COLOR_BAD = 1,
	COLOR_WARN = 2,
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

static int name_width(void)
{
	int width = COLS;

	for (size_t i = 0; i < PF_TOP_COLUMNS; i++)
		width -= pf_top_columns[i].width + 1;
	return PF_MAX(width - 12, NAME_MIN); /* 12: the verdict at the end */
}

static void draw_titles(const struct pf_top_view *view)
{
	attron(A_REVERSE);
	mvprintw(1, 0, "%-*s", name_width(),
		 view->key == PF_TOP_NAME ? "CONTAINER *" : "CONTAINER");
	for (size_t i = 0; i < PF_TOP_COLUMNS; i++) {
		char title[PF_TOP_CELL_MAX];

		(void)snprintf(title, sizeof(title), "%s%s",
			       pf_top_columns[i].key == (int)view->key ? "*" : "",
			       pf_top_columns[i].title);
		printw(" %*s", pf_top_columns[i].width, title);
	}
	clrtoeol();
	attroff(A_REVERSE);
}

static int color_of(const struct pf_top_row *row, size_t column)
{
	double value = column == 2   ? row->throttled_ratio
		       : column == 5 ? row->memory_ratio
		       : column == 7 ? row->pressure_cpu
		       : column == 8 ? row->pressure_memory
				     : (double)NAN;
	double bad = column == 5 ? 0.9 : 0.25, warn = column == 5 ? 0.8 : 0.1;

	if (column == 10)
		return row->oom_kills ? COLOR_PAIR(COLOR_BAD) : 0;
	if (isnan(value) || value < warn)
		return 0;
	return COLOR_PAIR(value < bad ? COLOR_WARN : COLOR_BAD);
}

static void draw_row(int line, const struct pf_top_row *row)
{
	int width = name_width();
	size_t len = strlen(row->name);
	const char *name = row->name;

	/* The end of a long name tells more than its beginning. */
	if ((int)len > width)
		name += (int)len - width;
	mvprintw(line, 0, "%-*.*s", width, width, name);
	for (size_t i = 0; i < PF_TOP_COLUMNS; i++) {
		char text[PF_TOP_CELL_MAX];
		int color = color_of(row, i);

		pf_top_cell(row, i, text);
		attron(color);
		printw(" %*s", pf_top_columns[i].width, text);
		attroff(color);
	}
	if (row->verdict[0])
		printw(" %s", row->verdict);
	clrtoeol();
}

static void draw(const struct pf_top_view *view, const struct pf_report *report,
		 const struct pf_top_row *rows, size_t nr_rows, size_t first)
{
	char heading[512];

	erase();
	pf_top_heading(report, nr_rows, heading, sizeof(heading));
	mvaddnstr(0, 0, heading, COLS);
	draw_titles(view);
	for (int line = TABLE_LINE; line < LINES - 1; line++) {
		size_t i = first + (size_t)(line - TABLE_LINE);

		if (i < nr_rows)
			draw_row(line, &rows[i]);
	}
	mvaddnstr(LINES - 1, 0,
		  "q quit  c cpu  t throttled  r run queue  m memory  g trend  p pressure  n name  "
		  "i invert  arrows scroll",
		  COLS);
	refresh();
}

/* Return: false to quit. */
static bool on_key(int key, struct pf_top_view *view, size_t nr_rows, size_t *first)
{
	static const struct {
		int key;
		enum pf_top_key sort;
	} sorts[] = { { 'c', PF_TOP_CPU },    { 't', PF_TOP_THROTTLED }, { 'r', PF_TOP_RUNQ },
		      { 'm', PF_TOP_MEMORY }, { 'g', PF_TOP_TREND },	 { 'p', PF_TOP_PRESSURE },
		      { 'n', PF_TOP_NAME } };
	size_t page = LINES > TABLE_LINE + 1 ? (size_t)(LINES - TABLE_LINE - 1) : 1;
	size_t last = nr_rows > page ? nr_rows - page : 0;

	for (size_t i = 0; i < PF_ARRAY_SIZE(sorts); i++)
		if (key == sorts[i].key) {
			view->key = sorts[i].sort;
			*first = 0;
		}
	if (key == 'i')
		view->ascending = !view->ascending;
	else if (key == KEY_DOWN)
		*first = PF_MIN(*first + 1, last);
	else if (key == KEY_UP)
		*first -= *first > 0;
	else if (key == KEY_NPAGE)
		*first = PF_MIN(*first + page, last);
	else if (key == KEY_PPAGE)
		*first = *first > page ? *first - page : 0;
	return key != 'q' && key != 27;
}

/* Draws one report and waits for the next, taking keys meanwhile. Return: false to end. */
static bool show(struct pf_top_view *view, const struct pf_report *report, size_t *first)
{
	uint64_t next_ns = monotonic_ns() + (uint64_t)(view->interval_s * (double)PF_NS_PER_S);

	if (view->until_ns)
		next_ns = PF_MIN(next_ns, view->until_ns);
	for (;;) {
		struct pf_top_row *rows;
		size_t nr_rows;
		uint64_t now_ns;
		int key;

		if (pf_top_rows(report, view->filter, view->key, view->ascending, &rows, &nr_rows) <
		    0)
			return false;
		draw(view, report, rows, nr_rows, *first);
		free(rows);
		now_ns = monotonic_ns();
		timeout(now_ns < next_ns ? (int)((next_ns - now_ns) / PF_NS_PER_MS) + 1 : 0);
		key = getch();
		if (stopped || (key != ERR && !on_key(key, view, nr_rows, first)))
			return false;
		if (monotonic_ns() >= next_ns)
			return !view->until_ns || monotonic_ns() < view->until_ns;
	}
}

int pf_top_screen(struct pf_top_view *view)
{
	const struct sigaction action = { .sa_handler = on_signal };
	char error[512] = "";
	size_t first = 0;
	uint64_t nr = 0;
	int code = PF_EXIT_OK;

	setlocale(LC_CTYPE, ""); /* for the screen; numbers are read and written with a point */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	initscr();
	noecho();
	cbreak();
	keypad(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	if (has_colors()) {
		start_color();
		use_default_colors();
		init_pair(COLOR_BAD, COLOR_RED, -1);
		init_pair(COLOR_WARN, COLOR_YELLOW, -1);
	}
	while (!stopped && (!view->count || nr < view->count)) {
		const struct pf_report *report = view->fetch(view->arg, error, sizeof(error));

		if (!report) {
			code = PF_EXIT_FAILED;
			break;
		}
		nr++;
		if (!show(view, report, &first))
			break;
	}
	endwin();
	if (code != PF_EXIT_OK)
		fprintf(stderr, "podfit top: %s\n", error);
	return code;
}
