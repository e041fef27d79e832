/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_program.h - where podfit-agent is: beside this program, else in PATH.
 */
#ifndef PF_CTL_AGENT_PROGRAM_H
#define PF_CTL_AGENT_PROGRAM_H

#include <stddef.h>

/** pf_ctl_agent_program() - what to give to execvp(). @size: at least 64. */
void pf_ctl_agent_program(char *ret_path, size_t size);

#endif
