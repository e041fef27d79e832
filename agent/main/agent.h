/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.h - the wiring: one loop, one capture source, the table of containers, sinks and the API.
 */
#ifndef PF_MAIN_AGENT_H
#define PF_MAIN_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "capture/source.h"
#include "core/history.h"
#include "core/report.h"
#include "core/track.h"
#include "export/api.h"
#include "export/sink.h"
#include "main/config.h"
#include "main/node.h"
#include "meta/cgroup_path.h"
#include "meta/meta.h"
#include "policy/policy.h"
#include "sys/loop.h"

enum {
	PF_AGENT_SINKS_MAX = 4,
	PF_AGENT_ERROR_MAX = 512,
	/* A report's own arrays, not what they point to. */
	PF_AGENT_REPORT_MEMORY_MAX = 64 << 20,
};

struct pf_agent_sink {
	const struct pf_sink_ops *ops;
	void *sink;
	uint64_t nr_lost; /* reports that write() refused */
};

/* An OOM kill until a report with it was taken; the record's strings point into it. */
struct pf_agent_kill {
	struct pf_report_oom record;
	uint64_t handle; /* of the container; 0: of none */
	bool waits;	 /* for names: not told yet */
	char container_id[PF_CONTAINER_ID_MAX], namespace_name[PF_LABEL_NAME_MAX];
	char pod[PF_OBJECT_NAME_MAX], container[PF_OBJECT_NAME_MAX];
	char workload[PF_OBJECT_NAME_MAX], comm[PF_COMM_MAX];
};

struct pf_agent_leaks;
struct pf_checkpoint_feeds;
struct pf_leak_book;

/* The lists of names that meta's options point to. */
struct pf_agent_lists {
	char *labels, *annotations;
	const char *label_names[PF_LABELS_MAX + 1], *annotation_names[PF_LABELS_MAX + 1];
};

struct pf_agent {
	const struct pf_config *config;
	struct pf_node node;
	struct pf_loop *loop;

	const struct pf_capture_ops *capture_ops;
	struct pf_capture *capture;
	struct pf_watch *capture_watch;
	struct pf_cgroup_rules rules;
	struct pf_meta *meta;
	struct pf_agent_lists lists; /* of label names, for meta */
	struct pf_tracks *tracks;
	struct pf_agent_leaks *leaks;
	struct pf_checkpoint_feeds *feeds; /* of before the restart; NULL: none */
	struct pf_histories *histories;
	struct pf_policy *policy;     /* NULL: podfit's defaults */
	uint64_t nr_slices_forgotten; /* evidence that found no memory */
	uint64_t nr_clock_set_back;
	int64_t wall_offset_ns; /* wall clock less CLOCK_MONOTONIC, at the last snapshot */

	struct pf_agent_kill **kills;
	size_t nr_kills;
	uint64_t nr_kills_lost;

	struct pf_agent_sink sinks[PF_AGENT_SINKS_MAX];
	size_t nr_sinks;
	struct pf_api *api, *web;
	void *otlp; /* pf_sink_push for metrics; NULL: off */

	struct pf_timer *snapshot_timer, *report_timer, *stop_timer;
	uint64_t interval_ns;	    /* between snapshots, time scale applied */
	uint64_t started_ns;	    /* CLOCK_MONOTONIC */
	uint64_t interval_start_ns; /* of the report that is being filled */
	uint64_t last_snapshot_ns, prev_snapshot_ns;
	uint64_t nr_snapshots, nr_reports;
	uint64_t sequence; /* of the last report */
};

/**
 * pf_agent_run() - the whole life of the agent: open, drop rights, serve, stop.
 * @error: filled when the exit code is not 0.
 * Return: the exit code (CONTRACTS: 0 done, 1 failed while running, 2 configuration, 4 kernel or
 * rights).
 */
int pf_agent_run(const struct pf_config *config, char error[PF_AGENT_ERROR_MAX]);

/* ---- the parts, one file each ---- */

/** pf_agent_capture_open() - agent_capture.c: finds the source and attaches it. Return: exit code.
 */
int pf_agent_capture_open(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX]);
/** pf_agent_snapshot() - one snapshot into the table. */
void pf_agent_snapshot(struct pf_agent *agent);
/** pf_agent_name_kill() - the kill's names as they are known now. Return: whether it is to be reported. */
bool pf_agent_name_kill(struct pf_agent *agent, struct pf_agent_kill *kill);
void pf_agent_capture_close(struct pf_agent *agent);

/** pf_agent_meta_open() - agent_meta.c: the pods of this node, from where the configuration says.
 * Return: exit code. */
int pf_agent_meta_open(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX]);
/** pf_agent_identify() - brings the track's names up to date. Return: whether it is to be reported
 * now. */
bool pf_agent_identify(struct pf_agent *agent, struct pf_track *track);
/** pf_agent_meta_options() - what the configuration says; @ret_lists holds the lists it points to. */
PF_MUST_CHECK int pf_agent_meta_options(const struct pf_config *config, const char *node_name,
					struct pf_agent_lists *ret_lists,
					struct pf_meta_opts *ret_opts);
void pf_agent_lists_done(struct pf_agent_lists *lists);
void pf_agent_meta_close(struct pf_agent *agent);

/** pf_agent_advice_open() - agent_advice.c: histories and policy. Return: exit code. */
int pf_agent_advice_open(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX]);
void pf_agent_advice_close(struct pf_agent *agent);
/** pf_agent_reload_policy() - reads the file again; a bad one changes nothing. */
void pf_agent_reload_policy(struct pf_agent *agent);
/** pf_agent_settle() - the track's names are known: finds its history, looks at what it runs. */
void pf_agent_settle(struct pf_agent *agent, struct pf_track *track);
/** pf_agent_remember_last() - the track goes: all of its evidence into its history. */
void pf_agent_remember_last(struct pf_agent *agent, struct pf_track *track);
/**
 * pf_agent_advise() - a recommendation for the track's container, in @arena; NULL while there is
 * none. Return: 0; -ENOMEM; -ENOSPC.
 */
PF_MUST_CHECK int pf_agent_advise(struct pf_agent *agent, struct pf_track *track,
				  const struct pf_leak_finding *leak, struct pf_arena *arena,
				  const struct pf_recommendation **ret_recommendation);
/** pf_agent_verdict_only() - just the first finding of the newest recommendation, or NULL. */
const struct pf_recommendation *pf_agent_verdict_only(const struct pf_track *track,
						      struct pf_arena *arena);

/** pf_agent_leaks_open() - agent_leak.c: detector and attribution. Return: exit code. */
int pf_agent_leaks_open(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX]);
void pf_agent_leaks_close(struct pf_agent *agent);
void pf_agent_leaks_sampled(struct pf_agent *agent, const struct pf_sample *sample);
void pf_agent_leaks_named(struct pf_agent *agent, const struct pf_track *track);
void pf_agent_leaks_oom_killed(struct pf_agent *agent, uint64_t handle);
void pf_agent_leaks_vanished(struct pf_agent *agent, uint64_t handle);
enum pf_leak_level_of pf_agent_leak_state(const struct pf_agent *agent,
					  const struct pf_track *track);
/**
 * pf_agent_leak_finding() - what is found of the track's container; NULL: nothing.
 * @whole: with processes and symbolised stacks. Return: 0; -ENOMEM; -ENOSPC from the arena.
 */
PF_MUST_CHECK int pf_agent_leak_finding(struct pf_agent *agent, const struct pf_track *track,
					bool whole, struct pf_arena *arena,
					const struct pf_leak_finding **ret_finding);
struct pf_leak_book *pf_agent_leak_book(const struct pf_agent *agent);
size_t pf_agent_leaks_losses(const struct pf_agent *agent, struct pf_loss *ret_losses,
			     size_t max_losses);

enum pf_agent_parts {
	PF_AGENT_INTERVAL = 1 << 0, /* "now" covers the report's interval, else the last seconds */
	PF_AGENT_SLICES = 1 << 1,
	PF_AGENT_ADVICE = 1 << 2,  /* whole recommendations; else only the first finding */
	PF_AGENT_LEAKING = 1 << 3, /* only suspects and alarms */
	PF_AGENT_LAST = 1 << 4,
	PF_AGENT_TOTALS = 1 << 5, /* "now" has counters since the start */
};

/* A report whose containers are still without slices, advice and leak findings. */
struct pf_agent_report {
	struct pf_report report;
	struct pf_report_container *containers; /* report.containers */
	struct pf_track **tracks;		/* of each container */
	unsigned parts;
};

/**
 * pf_agent_build_report() - agent_report.c: a report of now; all of it lives in @arena or in the
 * agent until the next snapshot. Return: 0; -ENOMEM or -ENOSPC.
 */
PF_MUST_CHECK int pf_agent_build_report(struct pf_agent *agent, unsigned parts,
					struct pf_arena *arena, struct pf_agent_report *ret_report);
/** pf_agent_encode_report() - completes and encodes container after container. Return: as above. */
PF_MUST_CHECK int pf_agent_encode_report(struct pf_agent *agent, struct pf_agent_report *report,
					 struct pf_buf *out);
PF_MUST_CHECK int pf_agent_build_status(struct pf_agent *agent, struct pf_arena *arena,
					struct pf_agent_status *ret_status);

/** pf_agent_state_open() - agent_state.c: reads the checkpoint. Return: exit code. */
int pf_agent_state_open(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX]);
void pf_agent_state_save(struct pf_agent *agent);
void pf_agent_state_appeared(struct pf_agent *agent, struct pf_track *track);
void pf_agent_state_close(struct pf_agent *agent);

/** pf_agent_write_metrics() - agent_metrics.c: the text of /metrics. */
PF_MUST_CHECK int pf_agent_write_metrics(struct pf_agent *agent, struct pf_buf *out);

/** pf_agent_otlp_open() - agent_metrics.c: where metrics are pushed to, if anywhere. Return: exit
 * code. */
int pf_agent_otlp_open(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX]);
/** pf_agent_otlp_push() - metrics of now; what cannot be sent yet waits. */
void pf_agent_otlp_push(struct pf_agent *agent);
void pf_agent_otlp_close(struct pf_agent *agent);

/** pf_agent_export() - agent_export.c: a report to every sink; what all have taken is dropped. */
void pf_agent_export(struct pf_agent *agent, bool last);
int pf_agent_export_open(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX]);
void pf_agent_export_flush(struct pf_agent *agent, uint64_t patience_ns);
void pf_agent_export_close(struct pf_agent *agent);

/** pf_agent_ready() - snapshots come in. @reason: filled when not. */
bool pf_agent_ready(const struct pf_agent *agent, char *reason, size_t reason_size);

#endif
