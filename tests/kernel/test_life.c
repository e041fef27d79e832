// SPDX-License-Identifier: Apache-2.0
/*
 * test_life.c - cgroups that come and go: short lives, many lives, ids and paths used again, a full
 * table, a source that is closed or killed and opened anew.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "capture/bpf_private.h"
#include "kernel/kt.h"
#include "kernel/src.h"
#include "kernel/work.h"

enum { BURN_NS = 150000000 };

static struct kt_work *burner(const struct kt_cg *cg, uint64_t amount_ns)
{
	return kt_work_start(
		&(struct kt_load){ .cg = cg, .cpu = -1, .job = kt_job_burn, .amount = amount_ns });
}

/* A cgroup that is made, burns and is removed between two snapshots. What the kernel had counted.
 */
static uint64_t short_life(struct kt_src *src, struct kt_cg *cg, const char *name, bool pump)
{
	kt_cg_new(cg, name);
	if (pump)
		kt_src_pump(src, 20);
	PF_AUTO(kt_work_endp) struct kt_work *work = burner(cg, BURN_NS);

	if (pump)
		kt_src_pump(src, 5);
	kt_work_go(work);
	kt_work_wait(work);
	kt_work_end(pf_take(work));
	kt_sleep_ms(20);
	uint64_t kernel_ns = kt_cg_cpu_ns(cg);

	kt_cg_remove(cg);
	return kernel_ns;
}

static void check_short_life(struct kt_src *src, const char *name, bool pump)
{
	struct kt_cg cg;
	uint64_t kernel_ns = short_life(src, &cg, name, pump);

	kt_src_end(src);
	const struct kt_seen *seen = kt_src_get(src, &cg);

	kt_src_note_losses(src);
	KT_NEAR("usage of a short life", seen->sum.usage_ns, kernel_ns, kt_share(0.01), 1e6);
	KT_TRUE("a last sample was told", seen->last_seen);
	KT_TRUE("told that it has gone", seen->vanished);
}

/* Files go with their cgroup: only the kernel's own removal event can tell what was left. */
static void need_removal_events(void)
{
	if (strcmp(kt_settings.source, "bpf"))
		kt_skip("needs BPF: cgroup files are gone with the cgroup");
}

KT_TEST(life_short, "a container of some 200 ms is accounted, the loop being served")
{
	need_removal_events();
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);

	kt_src_snapshot(src);
	check_short_life(src, "short", true);
}

KT_TEST(life_short_unseen, "and also when nobody looked while it lived")
{
	need_removal_events();
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);

	kt_src_snapshot(src);
	check_short_life(src, "unseen", false);
}

KT_TEST(life_last, "a container that goes: what it did since the last snapshot is not lost")
{
	need_removal_events();
	struct kt_cg cg;

	kt_cg_new(&cg, "a");
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp) struct kt_work *work = burner(&cg, BURN_NS);

	kt_src_begin(src);
	uint64_t before_ns = kt_cg_cpu_ns(&cg);

	kt_work_go(work);
	kt_work_wait(work);
	kt_work_end(pf_take(work));
	kt_sleep_ms(20);
	uint64_t kernel_ns = kt_cg_cpu_ns(&cg) - before_ns;

	kt_cg_remove(&cg);
	kt_src_end(src);
	const struct kt_seen *seen = kt_src_get(src, &cg);

	kt_src_note_losses(src);
	KT_TRUE("a last sample was told", seen->last_seen);
	KT_TRUE("told that it has gone", seen->vanished);
	KT_NEAR("usage until the end", seen->sum.usage_ns, kernel_ns, kt_share(0.01), 1e6);
}

enum { BATCH = 50, BATCHES = 20 };

static void make_batch(struct kt_cg cgs[BATCH], int batch)
{
	char name[32];

	for (int i = 0; i < BATCH; i++) {
		snprintf(name, sizeof(name), "c%d-%d", batch, i);
		kt_cg_new(&cgs[i], name);
	}
}

KT_TEST(life_thousand, "1000 cgroups made and removed leave nothing behind")
{
	struct kt_cg cgs[BATCH], last;

	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(BATCH + 10);

	for (int batch = 0; batch < BATCHES; batch++) {
		make_batch(cgs, batch);
		kt_src_pump(src, 10);
		/* Every other batch comes and goes without ever being in a snapshot. */
		if (batch % 2 == 0) {
			kt_src_snapshot(src);
			if (kt_src_nr_alive(src) != BATCH)
				KT_INT("alive in a batch", kt_src_nr_alive(src), BATCH);
		}
		for (int i = 0; i < BATCH; i++)
			kt_cg_remove(&cgs[i]);
		kt_src_pump(src, 10);
		kt_src_snapshot(src);
		if (kt_src_nr_alive(src) != 0)
			KT_INT("alive after a batch", kt_src_nr_alive(src), 0);
	}
	kt_src_note_losses(src);
	KT_RANGE("lives told", kt_src_nr_lives(src), BATCH * BATCHES / 2, BATCH * BATCHES);
	KT_INT("alive at the end", kt_src_nr_alive(src), 0);

	/* The table has room for all of them only if the slots came back; and the last one is
	 * right. */
	kt_cg_new(&last, "last");
	PF_AUTO(kt_work_endp) struct kt_work *work = burner(&last, BURN_NS);

	kt_src_begin(src);
	uint64_t before_ns = kt_cg_cpu_ns(&last);

	kt_work_go(work);
	kt_work_wait(work);
	kt_src_end(src);
	KT_NEAR("usage of the last", kt_src_get(src, &last)->sum.usage_ns,
		kt_cg_cpu_ns(&last) - before_ns, kt_share(0.01), 1e6);
}

KT_TEST(life_reused, "an id or a path that is used again is another life")
{
	struct kt_cg cg, other;

	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);

	/* The kernel gives the lowest free css id to the next cgroup: each of these has the last
	 * one's. */
	for (int life = 0; life < 4; life++) {
		kt_cg_new(&cg, "same");
		PF_AUTO(kt_work_endp)
		struct kt_work *work = burner(&cg, (uint64_t)(life + 1) * 40 * PF_NS_PER_MS);

		kt_src_begin(src);
		uint64_t before_ns = kt_cg_cpu_ns(&cg);

		kt_work_go(work);
		kt_work_wait(work);
		kt_src_end(src);
		KT_NEAR("usage of this life", kt_src_get(src, &cg)->sum.usage_ns,
			kt_cg_cpu_ns(&cg) - before_ns, kt_share(0.01), 1e6);
		KT_INT("lives so far", kt_src_nr_lives(src), life + 1);
		kt_work_end(pf_take(work));
		kt_cg_remove(&cg);
	}
	kt_src_snapshot(src);
	KT_INT("alive when all have gone", kt_src_nr_alive(src), 0);
	kt_src_forget(src);
	/* Now the id goes to a cgroup that is nobody's container: nothing may be booked to the
	 * dead. */
	kt_cg_new(&cg, "keeper");
	kt_cg_new(&other, "keeper/inner");
	kt_src_snapshot(src);
	kt_cg_remove(&other);
	kt_cg_remove(&cg);
	kt_cg_new(&cg, "next");
	kt_src_end(src);
	KT_INT("usage of a fresh cgroup", (int64_t)kt_src_get(src, &cg)->sum.usage_ns, 0);
}

static uint64_t entry_of(struct bpf_map *map)
{
	uint32_t key = 5;
	uint64_t entry = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(map), &key, &entry) < 0)
		kt_fail("map %s cannot be read", bpf_map__name(map));
	return entry;
}

/* Entries of the epoch that comes, left from the round before; none is of a group that lives. */
KT_TEST(life_epoch, "what was looked up is forgotten before its epoch's number comes again")
{
	const uint64_t last_of[] = { 2047, 4095 }; /* of each half of the round */
	struct kt_cg cg;

	if (strcmp(kt_settings.source, "bpf") != 0)
		kt_skip("only the BPF source has epochs");
	for (size_t i = 0; i < PF_ARRAY_SIZE(last_of); i++) {
		PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
		struct podfit_bpf *bpf = kt_src_capture(src)->bpf;
		struct bpf_map *maps[] = { bpf->maps.pf_css_slots, bpf->maps.pf_block_css_slots };
		uint64_t stale = (last_of[i] + 1) % 4096 << 52 | 7ull << 32 | 0xfffffff0;
		uint32_t key = 5, thread = 32767;

		for (size_t k = 0; k < PF_ARRAY_SIZE(maps); k++)
			KT_INT("put",
			       bpf_map_update_elem(bpf_map__fd(maps[k]), &key, &stale, BPF_ANY), 0);
		bpf->bss->pf_threads[thread].group = 7;
		bpf->data->pf_control.epoch_bits = last_of[i] << 52;
		kt_cg_new(&cg, i ? "b" : "a");
		kt_src_snapshot(src);
		KT_TRUE("the epoch goes on", bpf->data->pf_control.epoch_bits >> 52 != last_of[i]);
		for (size_t k = 0; k < PF_ARRAY_SIZE(maps); k++)
			KT_TRUE("the stale entry is gone", entry_of(maps[k]) != stale);
		KT_TRUE("the stale thread is gone", bpf->bss->pf_threads[thread].group != 7);
		kt_cg_remove(&cg);
	}
}

KT_TEST(life_table_full, "more containers than the table holds: told, and the others stay right")
{
	enum { ROOM = 8, NR = 12 };
	struct kt_cg cgs[NR];
	struct kt_work *works[NR];
	uint64_t before_ns[NR];
	char name[16];
	int tracked = 0, gone = 0;

	for (int i = 0; i < NR; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		kt_cg_new(&cgs[i], name);
		works[i] = burner(&cgs[i], 50 * PF_NS_PER_MS);
	}
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(ROOM);

	kt_src_begin(src);
	KT_INT("tracked", kt_src_nr_alive(src), ROOM);
	KT_RANGE("losses counted", (double)kt_src_loss(src, NULL), NR - ROOM, 1e9);
	for (int i = 0; i < NR; i++) {
		before_ns[i] = kt_cg_cpu_ns(&cgs[i]);
		kt_work_go(works[i]);
	}
	for (int i = 0; i < NR; i++)
		kt_work_wait(works[i]);
	kt_src_end(src);
	for (int i = 0; i < NR; i++) {
		const struct kt_seen *seen = kt_src_find(src, &cgs[i]);

		if (!seen)
			continue;
		tracked++;
		KT_NEAR("usage beside a full table", seen->sum.usage_ns,
			kt_cg_cpu_ns(&cgs[i]) - before_ns[i], kt_share(0.01), 1e6);
	}
	KT_INT("tracked with samples", tracked, ROOM);
	/* Room comes free: those that had none get it. */
	for (int i = 0; i < NR; i++) {
		kt_work_end(works[i]);
		if (kt_src_find(src, &cgs[i]) && gone < 6) {
			kt_cg_remove(&cgs[i]);
			gone++;
		}
	}
	kt_src_pump(src, 20);
	kt_src_snapshot(src);
	kt_src_snapshot(src);
	KT_INT("tracked when some have gone", kt_src_nr_alive(src), NR - gone);
}

static int nr_open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int nr = 0;

	while (dir && readdir(dir))
		nr++;
	if (dir)
		closedir(dir);
	return nr;
}

KT_TEST(life_restart, "a source closed and opened anew while a container works")
{
	struct kt_cg cg;
	int files;

	kt_cg_new(&cg, "a");
	PF_AUTO(kt_work_endp) struct kt_work *work = burner(&cg, 600 * PF_NS_PER_MS);
	struct kt_src *src = kt_src_open(64);

	kt_src_close(src);
	files = nr_open_files(); /* after the first time: libraries keep some */
	src = kt_src_open(64);
	kt_src_begin(src);
	kt_work_go(work);
	kt_sleep_ms(200);
	kt_src_snapshot(src);
	kt_src_close(src);
	KT_INT("files left open by close", nr_open_files(), files);

	src = kt_src_open(64);
	uint64_t low_ns, high_ns = kt_cg_cpu_ns(&cg);

	kt_src_snapshot(src);
	low_ns = kt_cg_cpu_ns(&cg);
	kt_src_forget(src);
	kt_work_wait(work);
	kt_src_end(src);
	/* The second source saw what was burned after its first snapshot, between the two readings.
	 */
	uint64_t end_ns = kt_cg_cpu_ns(&cg);

	KT_RANGE("usage after the restart", (double)kt_src_get(src, &cg)->sum.usage_ns,
		 (1 - kt_share(0.01)) * (double)(end_ns - low_ns) - 1e6,
		 (1 + kt_share(0.01)) * (double)(end_ns - high_ns) + 1e6);
	kt_src_close(src);
}

KT_TEST(life_killed, "a source that was killed leaves nothing that disturbs the next")
{
	struct kt_cg cg;
	int fds[2];
	char byte;

	if (pipe(fds) < 0)
		kt_fail("no pipe");
	kt_cg_new(&cg, "a");
	pid_t pid = fork();

	if (!pid) {
		close(fds[0]);
		struct kt_src *victim = kt_src_open(64);

		kt_src_snapshot(victim);
		(void)!write(fds[1], "", 1);
		pause();
		_exit(0);
	}
	close(fds[1]);
	ssize_t n = read(fds[0], &byte, 1); /* 0: it ended before it was ready */

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	KT_INT("the first source was running", n, 1);
	PF_AUTO(kt_src_closep) struct kt_src *src = kt_src_open(64);
	PF_AUTO(kt_work_endp) struct kt_work *work = burner(&cg, BURN_NS);

	kt_src_begin(src);
	uint64_t before_ns = kt_cg_cpu_ns(&cg);

	kt_work_go(work);
	kt_work_wait(work);
	kt_src_end(src);
	KT_NEAR("usage", kt_src_get(src, &cg)->sum.usage_ns, kt_cg_cpu_ns(&cg) - before_ns,
		kt_share(0.01), 1e6);
}
