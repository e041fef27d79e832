/* SPDX-License-Identifier: Apache-2.0 */
/* svg_plot.h - inside of the charts: scales, ticks, and what is in sight. */
#ifndef PF_REPORT_SVG_PLOT_H
#define PF_REPORT_SVG_PLOT_H

#include <stdbool.h>

#include "report/svg.h"

enum {
	PF_PLOT_WIDTH = 1000, /* of the stretched inner drawing; text is placed in percent */
	PF_PLOT_HEIGHT = 220,
	PF_TICKS_MAX = 16,
	PF_LABEL_HEIGHT = 15,
};

struct pf_plot {
	enum pf_svg_scale x_scale, y_scale;
	double x_from, x_to, y_to;
	double top; /* room above the data for labels of marks */
};

struct pf_tick {
	double at;
	bool major; /* stays on a narrow screen */
	char label[48];
};

/** pf_plot_of() - the bounds of a chart. Return: false if there is nothing to draw. */
bool pf_plot_of(const struct pf_svg_chart *chart, struct pf_plot *ret_plot);

/** pf_plot_x() - place in the inner drawing, 0 to PF_PLOT_WIDTH, kept inside. pf_plot_percent() -
 * the same in percent. pf_plot_y() - from the top. */
double pf_plot_x(const struct pf_plot *plot, double x);
double pf_plot_percent(const struct pf_plot *plot, double x);
double pf_plot_y(const struct pf_plot *plot, double y);

size_t pf_plot_x_ticks(const struct pf_plot *plot, enum pf_quantity quantity,
		       struct pf_tick ticks[PF_TICKS_MAX]);
size_t pf_plot_y_ticks(const struct pf_plot *plot, enum pf_quantity quantity,
		       struct pf_tick ticks[PF_TICKS_MAX]);

/** pf_plot_x_text() - a place on the x axis in words. */
struct pf_human pf_plot_x_text(const struct pf_svg_chart *chart, double x);

/** pf_plot_words() - <desc>: what is to be seen. pf_plot_legend() - names and signs of the parts.
 * pf_plot_table() - the figures, folded away. */
void pf_plot_words(struct pf_buf *buf, const struct pf_svg_chart *chart);
void pf_plot_legend(struct pf_buf *buf, const struct pf_svg_chart *chart);
void pf_plot_table(struct pf_buf *buf, const struct pf_svg_chart *chart);

#endif
