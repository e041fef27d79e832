// SPDX-License-Identifier: Apache-2.0
/* Pages and parts that are words only. The buffer keeps its first error. */
#include "report/view.h"

/* As CONTRACTS defines the quantities, in a sentence each. */
static const char *const glossary[][2] = {
	{ "use", "time on CPU of all tasks of the container" },
	{ "demand",
	  "what it would have used without its CPU quota: use plus the time its tasks were "
	  "held back, counted in windows of 100 ms" },
	{ "throttled",
	  "share of the scheduler's periods (usually 100 ms) in which the container had "
	  "used up its quota and stood still" },
	{ "own quota, contention",
	  "the two parts of every wait for a CPU: held back by its own limit, "
	  "or ready to run while others had the CPU" },
	{ "hot memory",
	  "memory that cannot be dropped: anonymous, shared, unevictable, unreclaimable "
	  "kernel memory and swap. Page cache is not in it" },
	{ "peak", "the highest value, read ten times a second in the kernel, so that short spikes "
		  "count" },
	{ "overshoot",
	  "what a container killed for memory would have needed more: its growth of the "
	  "last 10 s, carried on for 30 s" },
	{ "range",
	  "while the present request lies between the lower and the upper bound, changing it "
	  "is not worth a restart" },
	{ "95 % interval",
	  "where the true value lies, 19 times out of 20, if the trend goes on as it "
	  "did" },
};

void pf_view_glossary(struct pf_buf *buf)
{
	(void)pf_buf_adds(buf,
			  "<details class=\"glossary\"><summary>What the words mean</summary><dl>");
	for (size_t i = 0; i < PF_ARRAY_SIZE(glossary); i++)
		pf_html_addf(buf, "<dt>%s</dt><dd>%s</dd>", glossary[i][0], glossary[i][1]);
	(void)pf_buf_adds(buf, "</dl></details>\n");
}

int pf_page_message(struct pf_buf *buf, const struct pf_html_page *page, const char *heading,
		    const char *text)
{
	pf_html_begin(buf, page);
	pf_html_addf(buf, "<h1>%s</h1>\n<p class=\"lead\">%s</p>\n", heading, text);
	pf_html_end(buf, page);
	return buf->err;
}
