// SPDX-License-Identifier: Apache-2.0
#include "capture/feature.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/utsname.h>
#include <unistd.h>

#define BTF_PATH "/sys/kernel/btf/vmlinux"

PF_DEFINE_AUTO(struct btf *, btf__free);

static bool has_type(const struct btf *btf, const char *name, unsigned kind)
{
	return btf__find_by_name_kind(btf, name, kind) > 0;
}

/* The member @name of struct @type, looked for inside anonymous members too. */
static bool has_member(const struct btf *btf, int type, const char *name)
{
	const struct btf_type *t = type > 0 ? btf__type_by_id(btf, (__u32)type) : NULL;
	const struct btf_member *m = t ? btf_members(t) : NULL;

	for (int i = 0; m && i < btf_vlen(t); i++, m++) {
		const char *member = btf__name_by_offset(btf, m->name_off);

		if (*member ? !strcmp(member, name)
			    : btf_is_composite(btf__type_by_id(btf, m->type)) &&
				      has_member(btf, (int)m->type, name))
			return true;
	}
	return false;
}

static bool has_field(const struct btf *btf, const char *type, const char *name)
{
	return has_member(btf, btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT), name);
}

static bool has_enum_value(const struct btf *btf, const char *type, const char *value)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	const struct btf_enum *e = t ? btf_enum(t) : NULL;

	for (int i = 0; e && i < btf_vlen(t); i++, e++)
		if (!strcmp(btf__name_by_offset(btf, e->name_off), value))
			return true;
	return false;
}

static bool has_tracepoint(const struct btf *btf, const char *name)
{
	char type[128];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return has_type(btf, type, BTF_KIND_TYPEDEF);
}

/* Whether the second parameter of a tracepoint (the first is the hidden one) is a pointer. */
static bool tracepoint_takes_pointer(const struct btf *btf, const char *name)
{
	char type[128];
	const struct btf_type *t;
	int id;

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF);
	t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	t = t ? btf__type_by_id(btf, t->type) : NULL; /* pointer to the prototype */
	t = t && btf_is_ptr(t) ? btf__type_by_id(btf, t->type) : NULL;
	if (!t || !btf_is_func_proto(t) || btf_vlen(t) < 2)
		return false;
	return btf_is_ptr(btf__type_by_id(btf, btf_params(t)[1].type));
}

static void probe_btf(const struct btf *btf, struct pf_features *f)
{
	f->btf = true;
	f->sched_info = has_field(btf, "sched_info", "last_queued") &&
			has_field(btf, "task_struct", "sched_info");
	f->group_sched = has_field(btf, "task_struct", "sched_task_group") &&
			 has_type(btf, "task_group", BTF_KIND_STRUCT);
	f->bandwidth = has_field(btf, "cfs_bandwidth", "nr_throttled");
	f->throttle_clock = has_field(btf, "cfs_rq", "throttled_clock_self_time") ||
			    has_field(btf, "cfs_rq", "throttled_clock_pelt_time");
	f->timer = has_type(btf, "bpf_timer", BTF_KIND_STRUCT);
	f->loop = has_enum_value(btf, "bpf_func_id", "BPF_FUNC_loop");
	f->cgroup_iter = has_type(btf, "bpf_iter__cgroup", BTF_KIND_STRUCT);
	f->rdonly_cast = has_type(btf, "bpf_rdonly_cast", BTF_KIND_FUNC);
	f->percpu_cfs_rq = has_type(btf, "cfs_tg_state", BTF_KIND_STRUCT);
	f->memcg = has_field(btf, "mem_cgroup", "vmstats");
	f->psi = has_field(btf, "cgroup", "psi");
	f->mark_victim = has_tracepoint(btf, "mark_victim");
	f->mark_victim_task = f->mark_victim && tracepoint_takes_pointer(btf, "mark_victim");
	f->mark_victim_pid = f->mark_victim && !f->mark_victim_task;
	f->cgroup_mkdir = has_tracepoint(btf, "cgroup_mkdir");
	f->cgroup_rmdir = has_tracepoint(btf, "cgroup_rmdir");
	f->memcg_reclaim = has_tracepoint(btf, "mm_vmscan_memcg_reclaim_begin") &&
			   has_tracepoint(btf, "mm_vmscan_memcg_reclaim_end");
	f->direct_reclaim = has_tracepoint(btf, "mm_vmscan_direct_reclaim_begin") &&
			    has_tracepoint(btf, "mm_vmscan_direct_reclaim_end");
	f->block_rq_complete = has_tracepoint(btf, "block_rq_complete");
}

static bool have_capability(cap_value_t value)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t set = CAP_CLEAR;

	if (!caps)
		return false;
	if (cap_get_flag(caps, value, CAP_EFFECTIVE, &set) < 0)
		set = CAP_CLEAR;
	(void)cap_free(caps); /* cannot fail for what cap_get_proc() gave */
	return set == CAP_SET;
}

void pf_feature_probe(struct pf_features *ret_features)
{
	PF_AUTO(btf__freep) struct btf *btf = btf__parse(BTF_PATH, NULL);
	struct pf_features f = { 0 };
	struct utsname name;
	unsigned major = 0, minor = 0;

	if (uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2)
		f.version = major << 8 | (minor & 255);
	f.rights = have_capability(CAP_SYS_ADMIN) ||
		   (have_capability(CAP_BPF) && have_capability(CAP_PERFMON));
	if (btf)
		probe_btf(btf, &f);
	f.psi = f.psi &&
		access("/proc/pressure/memory", F_OK) == 0; /* absent when booted without psi=1 */
	*ret_features = f;
}

int pf_feature_check_bpf(const struct pf_features *f, char *error, size_t error_size)
{
	if (!f->rights) {
		snprintf(
			error, error_size,
			"no right to load BPF programs: run as root, or with CAP_BPF and CAP_PERFMON");
		return -EPERM;
	}
	if (!f->btf) {
		snprintf(
			error, error_size,
			BTF_PATH
			" cannot be read: the kernel needs CONFIG_DEBUG_INFO_BTF, and /sys must be mounted");
		return -EOPNOTSUPP;
	}
	if (!f->timer || !f->loop || !f->cgroup_iter) {
		snprintf(
			error, error_size,
			"kernel %u.%u is too old for the BPF programs (no %s): 6.1 or later is needed; --capture.source=cgroupfs works here",
			f->version >> 8, f->version & 255,
			!f->timer  ? "timers"
			: !f->loop ? "bpf_loop"
				   : "cgroup iterator");
		return -EOPNOTSUPP;
	}
	if (!f->group_sched || !f->memcg) {
		snprintf(
			error, error_size,
			"the kernel was built without %s: --capture.source=cgroupfs may still work",
			!f->memcg ? "memory cgroups (CONFIG_MEMCG)"
				  : "CPU cgroups (CONFIG_FAIR_GROUP_SCHED)");
		return -EOPNOTSUPP;
	}
	return 0;
}

void pf_signal_off(struct pf_signal_state *state, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(state->reason, sizeof(state->reason), format, args);
	va_end(args);
	state->on = false;
}

void pf_signal_on(struct pf_signal_state *state)
{
	state->on = true;
	state->reason[0] = '\0';
}
