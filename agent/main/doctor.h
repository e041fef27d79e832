/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.h - podfit-agent --doctor: what this kernel and these rights allow, found out by trying.
 */
#ifndef PF_MAIN_DOCTOR_H
#define PF_MAIN_DOCTOR_H

#include "main/config.h"

/** pf_doctor_run() - tries each source and each meta check, prints to standard output. Return: exit
 * code: 0 if podfit can measure here with all signals or some, 4 if it cannot at all, 2 if the policy
 * file is wrong. */
int pf_doctor_run(const struct pf_config *config);

#endif
