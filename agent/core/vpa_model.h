/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpa_model.h - what the real VPA keeps about containers: one aggregate per set of alike pods and
 * container name, one instance per running container, and the rules by which samples get in.
 *
 * Source: Kubernetes VPA recommender 1.8.0, model/. Times are ns since 1970, PF_VPA_NO_TIME for
 * "none".
 */
#ifndef PF_CORE_VPA_MODEL_H
#define PF_CORE_VPA_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/vpa_hist.h"

enum pf_vpa_resource {
	PF_VPA_CPU,    /* millicores */
	PF_VPA_MEMORY, /* bytes */
	PF_VPA_NR_RESOURCES,
};

/* The recommender's flags, with VPA's names and defaults (pf_vpa_settings_default()). */
struct pf_vpa_settings {
	double margin;		   /* recommendation-margin-fraction */
	double min_cpu_millicores; /* pod-recommendation-min-cpu-millicores: of a whole pod */
	double min_memory_mib;	   /* pod-recommendation-min-memory-mb */
	double target_percentile[PF_VPA_NR_RESOURCES];
	double lower_percentile[PF_VPA_NR_RESOURCES];
	double upper_percentile[PF_VPA_NR_RESOURCES];
	int64_t confidence_interval_ns[PF_VPA_NR_RESOURCES];
	int64_t half_life_ns[PF_VPA_NR_RESOURCES];
	int64_t memory_interval_ns;    /* memory-aggregation-interval */
	int64_t memory_interval_count; /* memory-aggregation-interval-count */
	double oom_bump_ratio;	       /* oom-bump-up-ratio */
	double oom_min_bump_bytes;     /* oom-min-bump-up-bytes */
	int64_t round_cpu_millicores;
	int64_t round_memory_bytes;
	bool humanize_memory;
	int64_t global_max[PF_VPA_NR_RESOURCES]; /* container-recommendation-max-allowed-*; 0: none
						  */
};

void pf_vpa_settings_default(struct pf_vpa_settings *ret_settings);

/* What a container policy may set for itself (VPA's PerVPAConfig). */
struct pf_vpa_memory_rules {
	int64_t interval_ns;
	int64_t interval_count;
	double oom_bump_ratio;
	double oom_min_bump_bytes;
};

void pf_vpa_memory_rules_from(const struct pf_vpa_settings *settings,
			      struct pf_vpa_memory_rules *ret_rules);

/* All alike containers together. A plain value. */
struct pf_vpa_aggregate {
	struct pf_vpa_hist cpu;	   /* cores, every sample weighs 0.1 */
	struct pf_vpa_hist memory; /* bytes, one peak per instance and interval, weight 1 */
	int64_t first_ns, last_ns; /* first and last CPU sample; memory has none of its own */
	int64_t nr_samples;	   /* CPU samples */
};

void pf_vpa_aggregate_init(struct pf_vpa_aggregate *aggregate,
			   const struct pf_vpa_settings *settings);

/** pf_vpa_aggregate_merge() - adds @other; see pf_vpa_hist_merge() for why it is not const. */
void pf_vpa_aggregate_merge(struct pf_vpa_aggregate *aggregate, struct pf_vpa_aggregate *other);

/** pf_vpa_aggregate_is_expired() - its last CPU sample is as old as the memory window (interval *
 * count) is long; never without samples. */
bool pf_vpa_aggregate_is_expired(const struct pf_vpa_aggregate *aggregate,
				 const struct pf_vpa_memory_rules *rules, int64_t now_ns);

/* One running container. Set up with pf_vpa_instance_init(). */
struct pf_vpa_instance {
	int64_t last_cpu_ns;
	int64_t last_memory_ns;
	int64_t interval_end_ns; /* of the current memory interval: anchored at the first sample */
	int64_t peak_bytes;	 /* of the interval, from usage; 0: none yet */
	int64_t oom_peak_bytes;	 /* of the interval, from OOM kills */
};

void pf_vpa_instance_init(struct pf_vpa_instance *instance);

/* What a memory event does to the peak of the instance's interval. */
struct pf_vpa_peak {
	bool changed;		/* false: the event is below the peak, or the interval takes none */
	int64_t replaced_bytes; /* the peak so far of the same interval; 0: none */
	int64_t bytes;		/* the new peak; it counts once, at interval_end_ns */
};

/**
 * pf_vpa_instance_memory(), pf_vpa_instance_oom() - the rules of pf_vpa_add_memory() and
 * pf_vpa_add_oom() without an aggregate: for those who keep peaks themselves. Return: whether the
 * event was taken; only then is *@ret_peak set.
 */
bool pf_vpa_instance_memory(struct pf_vpa_instance *instance,
			    const struct pf_vpa_memory_rules *rules, int64_t bytes, int64_t at_ns,
			    struct pf_vpa_peak *ret_peak);
bool pf_vpa_instance_oom(struct pf_vpa_instance *instance, const struct pf_vpa_memory_rules *rules,
			 int64_t request_bytes, int64_t at_ns, struct pf_vpa_peak *ret_peak);

/**
 * pf_vpa_add_cpu(), pf_vpa_add_memory(), pf_vpa_add_oom() - one event of an instance into its
 * aggregate.
 *
 * CPU: mean use, refused if negative or not newer than the instance's last. Memory: the working
 * set, refused if negative or older than the newest. OOM: the memory *request* in force at the
 * kill; refused if negative or more than one interval older than the newest memory sample; counts
 * as a memory sample of max(used + min_bump, used * ratio) with used = max(request, the interval's
 * peak).
 *
 * A memory interval whose first sample is 0 takes no further ones: so does the real VPA.
 * Return: whether the event was taken.
 */
bool pf_vpa_add_cpu(struct pf_vpa_aggregate *aggregate, struct pf_vpa_instance *instance,
		    int64_t millicores, int64_t at_ns);
bool pf_vpa_add_memory(struct pf_vpa_aggregate *aggregate, struct pf_vpa_instance *instance,
		       const struct pf_vpa_memory_rules *rules, int64_t bytes, int64_t at_ns);
bool pf_vpa_add_oom(struct pf_vpa_aggregate *aggregate, struct pf_vpa_instance *instance,
		    const struct pf_vpa_memory_rules *rules, int64_t request_bytes, int64_t at_ns);

/**
 * pf_vpa_forget_open_peak() - takes the peak of an instance's unfinished interval out again.
 *
 * VPA does so before it saves a checkpoint, to a copy: the instance goes on and will report the
 * peak itself.
 */
void pf_vpa_forget_open_peak(struct pf_vpa_aggregate *aggregate,
			     const struct pf_vpa_instance *instance, int64_t now_ns);

/* VPA's checkpoint of one container of one VPA object; times are cut to whole seconds. */
struct pf_vpa_checkpoint {
	struct pf_vpa_hist_checkpoint cpu, memory;
	int64_t first_ns, last_ns;
	int64_t nr_samples;
};

void pf_vpa_aggregate_save(const struct pf_vpa_aggregate *aggregate,
			   struct pf_vpa_checkpoint *ret_checkpoint);

/** pf_vpa_aggregate_load() - into an empty aggregate. Return: 0; -EBADMSG, the aggregate is then to
 * be thrown away. */
PF_MUST_CHECK int pf_vpa_aggregate_load(struct pf_vpa_aggregate *aggregate,
					const struct pf_vpa_checkpoint *checkpoint);

/** pf_vpa_amount() - a double as VPA turns it into an amount: truncated, into 0..1e14; NaN gives 0.
 */
int64_t pf_vpa_amount(double value);

#endif
