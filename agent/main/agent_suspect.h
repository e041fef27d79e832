/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_suspect.h - one container under suspicion of a leak: which process grows, from where fresh memory is faulted in,
 * and who holds the sockets or files that are not part of any process.
 */
#ifndef PF_MAIN_AGENT_SUSPECT_H
#define PF_MAIN_AGENT_SUSPECT_H

#include "main/agent.h"

struct pf_suspect;

/** pf_suspect_begin() - switches page-fault sampling on for @handle, where it can be. Return: NULL if out of memory. */
struct pf_suspect *pf_suspect_begin(struct pf_agent *agent, uint64_t handle);
void pf_suspect_end(struct pf_agent *agent, struct pf_suspect *suspect); /* accepts NULL */
uint64_t pf_suspect_handle(const struct pf_suspect *suspect);

/* Where processes are read from; -1: they are not looked at. */
struct pf_suspect_roots {
	int proc_fd, cgroup_fd;
};

/**
 * pf_suspect_sampled() - takes a look, if the last one is half a minute of analysis time ago.
 * @kind: what grows, as far as is known. @slope: of the container, bytes a second.
 */
void pf_suspect_sampled(struct pf_agent *agent, struct pf_suspect *suspect,
			const struct pf_suspect_roots *roots, const struct pf_track *track,
			const struct pf_sample *sample, enum pf_memory_kind kind, double slope);

/** pf_suspect_tell() - processes and stacks into @finding, whose kind is set. Return: 0; -ENOMEM. */
PF_MUST_CHECK int pf_suspect_tell(const struct pf_suspect *suspect, struct pf_arena *arena,
				  struct pf_leak_finding *finding);

#endif
