/* SPDX-License-Identifier: Apache-2.0 */
/* page_fleet_parts.h - the shorter tables of the fleet's page. */
#ifndef PF_REPORT_PAGE_FLEET_PARTS_H
#define PF_REPORT_PAGE_FLEET_PARTS_H

#include "report/page_fleet.h"

void pf_fleet_leaks(struct pf_buf *buf, const struct pf_view_fleet *view);
void pf_fleet_killed(struct pf_buf *buf, const struct pf_view_fleet *view);
void pf_fleet_victims(struct pf_buf *buf, const struct pf_view_fleet *view);
void pf_fleet_classes(struct pf_buf *buf, const struct pf_view_fleet *view);
void pf_fleet_namespaces(struct pf_buf *buf, const struct pf_view_fleet *view);

#endif
