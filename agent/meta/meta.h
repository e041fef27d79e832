/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meta.h - who each cgroup is: the module as main/ uses it.
 *
 * - capture: appeared -> pf_meta_appeared(); sampled -> pf_meta_hint() with the sample's cpu_weight
 * - each snapshot -> pf_meta_lookup() of each container; the samples of those that are
 *   PF_META_PENDING are kept, those of PF_META_SANDBOX dropped
 * - after the last report of a container that vanished -> pf_meta_forget()
 * - when the agent stops, before the last report -> pf_meta_settle()
 */
#ifndef PF_META_META_H
#define PF_META_META_H

#include "meta/podmap.h"
#include "meta/source.h"
#include "sys/loop.h"

struct pf_meta;

struct pf_meta_opts {
	const char *source; /* --pods.source: auto, apiserver, kubelet, none */
	struct pf_meta_source_opts with;
	uint32_t max_cgroups; /* containers and sandboxes: twice --capture.max-containers */
	/* Names, or the state of the source, have changed: look things up again. May be NULL. */
	void (*changed)(void *arg);
	void *changed_arg;
};

/** pf_meta_opts_init() - the defaults, with what a pod's environment tells: KUBERNETES_SERVICE_HOST
 * and the mounted service account. */
void pf_meta_opts_init(struct pf_meta_opts *opts);

/**
 * pf_meta_new() - starts the source; its work happens on @loop.
 * @error: on failure, in words, what is wrong and what would help.
 * Return: 0; -EINVAL (no such source, a source without what it needs), -ENOMEM, -errno.
 */
PF_MUST_CHECK int pf_meta_new(const struct pf_meta_opts *opts, struct pf_loop *loop,
			      struct pf_meta **ret_meta, char *error, size_t error_size);
void pf_meta_free(struct pf_meta *meta); /* accepts NULL */
PF_DEFINE_AUTO(struct pf_meta *, pf_meta_free);

/* As pf_podmap_*(), with the clock read here. */
void pf_meta_appeared(struct pf_meta *meta, const struct pf_cgroup *cgroup);
void pf_meta_hint(struct pf_meta *meta, uint64_t handle, uint64_t cpu_weight);
void pf_meta_forget(struct pf_meta *meta, uint64_t handle);
enum pf_meta_answer pf_meta_lookup(struct pf_meta *meta, const struct pf_cgroup *cgroup,
				   struct pf_identity *ret_identity);
void pf_meta_settle(struct pf_meta *meta);

/** pf_meta_status() - for /readyz, /v1/status and the log. Texts are valid until the next call. */
void pf_meta_status(struct pf_meta *meta, struct pf_meta_status *ret_status);

/** pf_meta_losses() - what was lost, by reason, since the start. Return: how many. */
size_t pf_meta_losses(const struct pf_meta *meta, struct pf_loss *ret_losses, size_t max_losses);

/**
 * pf_meta_doctor() - tries each thing the source needs and says what is missing and what grants it.
 * Runs a loop of its own for up to about 10 s.
 * Return: number of checks made, at most @max.
 */
size_t pf_meta_doctor(const struct pf_meta_opts *opts, struct pf_meta_check *ret_checks,
		      size_t max);

#endif
