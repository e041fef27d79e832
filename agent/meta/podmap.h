/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podmap.h - the pods of this node, and which of their containers each cgroup is.
 *
 * Sources (source.h) put pods in, the agent asks by cgroup. The rules of life:
 * - A cgroup is there up to seconds before its container is listed: the answer is PENDING, the
 *   agent keeps its samples.
 * - A container that ended is found by its id as long as the pod is known, also after restarts.
 * - A pod's sandbox is in no list. It is its oldest leaf, with the least CPU weight; where that
 *   does not decide, it is the leaf that is still in no list 20 s after its birth, while the source
 *   was heard.
 * - A pod that is no longer listed stays until its last cgroup is forgotten and for two minutes
 *   more; a list from which much is missing at once counts only when a second one says the same.
 * - Nothing grows without bound: pods and cgroups beyond the maximum are not taken, and counted.
 */
#ifndef PF_META_PODMAP_H
#define PF_META_PODMAP_H

#include "meta/owner.h"

struct pf_podmap;

struct pf_podmap_opts {
	uint32_t max_pods, max_cgroups;
};

enum pf_meta_answer {
	PF_META_NAMED,	 /* names are the pod's own */
	PF_META_PENDING, /* not yet known: keep its samples and ask again */
	PF_META_SANDBOX, /* a pod's pause container: not to be reported */
	PF_META_BY_PATH, /* only ids, or a unit's or cgroup's name; may become NAMED later */
};

struct pf_podmap_stats {
	uint32_t nr_pods, nr_cgroups, nr_sandboxes;
	uint64_t nr_pods_refused, nr_cgroups_refused; /* tables full */
	uint64_t nr_unnamed;			      /* containers given up on: reported by id */
	uint64_t nr_shrinks_doubted;
};

PF_MUST_CHECK int pf_podmap_new(const struct pf_podmap_opts *opts, struct pf_podmap **ret_map);
void pf_podmap_free(struct pf_podmap *map);
PF_DEFINE_AUTO(struct pf_podmap *, pf_podmap_free);

/* ---- the source's side; @now_ns: CLOCK_MONOTONIC ---- */

/** pf_podmap_put() - a pod is listed, new or changed. Return: 0; -ENOSPC (counted); -ENOMEM. */
PF_MUST_CHECK int pf_podmap_put(struct pf_podmap *map, const struct pf_pod *pod, uint64_t now_ns);

/** pf_podmap_drop() - the API has deleted the pod with this uid of its own. */
void pf_podmap_drop(struct pf_podmap *map, const char *uid, uint64_t now_ns);

/** pf_podmap_list_begin() - what is put from now on is a complete list. A second begin starts over.
 */
void pf_podmap_list_begin(struct pf_podmap *map);

/**
 * pf_podmap_list_end() - the list is complete: pods not in it are gone.
 * Return: 0; -EAGAIN: more than a quarter is missing, and they stay until another list says so too:
 * ask for it soon.
 */
int pf_podmap_list_end(struct pf_podmap *map, uint64_t now_ns);

/** pf_podmap_heard() - the source works, and what it knew at @now_ns is in the map. */
void pf_podmap_heard(struct pf_podmap *map, uint64_t now_ns);
uint64_t pf_podmap_heard_ns(const struct pf_podmap *map); /* when last; 0: never */

/** pf_podmap_set_listless() - nobody will list a pod: do not wait for one. */
void pf_podmap_set_listless(struct pf_podmap *map, bool listless);

/* ---- owners ---- */

/** pf_podmap_resolve_owners() - whether names wait (at most 10 s) for pf_podmap_set_owner(). */
void pf_podmap_resolve_owners(struct pf_podmap *map, bool on);

/** pf_podmap_unresolved() - a pod whose owner is still to be asked for, or NULL. */
const struct pf_pod *pf_podmap_unresolved(struct pf_podmap *map);

/** pf_podmap_set_owner() - the answer for all pods of that owner; @owner NULL: keep what the pods
 * tell. */
void pf_podmap_set_owner(struct pf_podmap *map, const char *owner_uid,
			 const struct pf_owner *owner);

/* ---- the agent's side ---- */

/** pf_podmap_appeared() - a container's cgroup is there. Ignores what is not in a pod. */
void pf_podmap_appeared(struct pf_podmap *map, const struct pf_cgroup *cgroup, uint64_t now_ns);

/** pf_podmap_hint() - its cpu.weight (v1: cpu.shares) as measured; tells sandboxes apart. */
void pf_podmap_hint(struct pf_podmap *map, uint64_t handle, uint64_t cpu_weight);

/** pf_podmap_forget() - its last report is out. */
void pf_podmap_forget(struct pf_podmap *map, uint64_t handle);

/** pf_podmap_lookup() - who it is. @ret_identity is filled as far as known, whatever the answer;
 * its labels are valid until the map next changes. */
enum pf_meta_answer pf_podmap_lookup(struct pf_podmap *map, const struct pf_cgroup *cgroup,
				     uint64_t now_ns, struct pf_identity *ret_identity);

/** pf_podmap_settle() - the agent stops: from now on no answer is PENDING, the likeliest is given.
 */
void pf_podmap_settle(struct pf_podmap *map);

/** pf_podmap_waiting() - cgroups of pods that the source should have listed by now but has not;
 * those waited for longer than a minute are left out. */
uint32_t pf_podmap_waiting(const struct pf_podmap *map, uint64_t now_ns);

/** pf_podmap_tick() - lets go what is due; call every few seconds. */
void pf_podmap_tick(struct pf_podmap *map, uint64_t now_ns);

void pf_podmap_stats(const struct pf_podmap *map, struct pf_podmap_stats *ret_stats);

#endif
