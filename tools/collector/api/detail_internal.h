/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detail_internal.h - what the files of detail share. Not for others.
 */
#ifndef PF_COLLECTOR_API_DETAIL_INTERNAL_H
#define PF_COLLECTOR_API_DETAIL_INTERNAL_H

#include "collector/api/detail.h"

/** pf_detail_read_ooms() - once the points are there. Return: 0; -errno of the store; -ENOMEM. */
PF_MUST_CHECK int pf_detail_read_ooms(struct pf_collector *c, struct pf_store *store,
				      struct pf_detail *d);

#endif
