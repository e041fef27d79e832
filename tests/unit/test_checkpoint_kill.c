// SPDX-License-Identifier: Apache-2.0
/*
 * kill -9 in a loop: a process saves checkpoints as fast as it can and is killed at a random moment.
 * What is found then is whole, and never older than what the process had been told is saved.
 *
 * A killed process does not take the page cache with it, so this shows the order of the calls, not
 * what a disk does at a power cut.
 */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/checkpoint.h"
#include "sys/clock.h"
#include "unit/check.h"
#include "unit/report_sample.h"

#define NOW_UNIX 1790000000000000000

/* As many kills as fit in the time, within these bounds. */
#define KILLING_NS (5 * PF_NS_PER_S)
enum {
	KILLS_MIN = 100,
	KILLS_MAX = 500,
	NR_HISTORIES = 24,
	LONGEST_US = 3000,
	FIRST_SAVE_US = 200,
	TRIES = 50000
};

/* Seen by both processes. */
struct shared {
	volatile uint64_t saved; /* generation of the newest save that returned 0 */
	volatile int error;	 /* of a save or load of the child */
};

static char directory[64];

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int parts_new(struct pf_checkpoint_parts *parts)
{
	struct pf_leak_options options;
	struct pf_vpa_settings vpa;
	int r;

	pf_vpa_settings_default(&vpa);
	pf_leak_options_init(10 * PF_NS_PER_S, 1, &options);
	*parts = (struct pf_checkpoint_parts){ .now_ns = 5, .now_unix_ns = NOW_UNIX };
	r = pf_histories_new(NR_HISTORIES, &parts->histories);
	if (r == 0)
		r = pf_leak_book_new(10, &options, &parts->leaks);
	if (r == 0)
		r = pf_tracks_new(
			&(struct pf_tracks_opts){
				.max_tracks = 10, .run_id = 1, .time_scale = 1, .vpa = &vpa },
			&parts->tracks);
	return r;
}

static void parts_free(struct pf_checkpoint_parts *parts)
{
	pf_tracks_free(parts->tracks);
	pf_histories_free(parts->histories);
	pf_leak_book_free(parts->leaks);
}

static int mark(struct pf_history *history, uint64_t generation)
{
	PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
	int r = pf_history_evidence(history, &evidence);

	if (r < 0)
		return r;
	evidence->restarts = generation;
	return pf_history_set(history, evidence);
}

/* Every history of one save bears the generation, so a mixture of two saves would show. */
static int set_generation(struct pf_checkpoint_parts *parts, uint64_t generation)
{
	const struct pf_slice *slice = report_sample()->containers[0].slices[0];

	for (int i = 0; i < NR_HISTORIES; i++) {
		struct pf_history *history;
		char key[16];
		int r;

		snprintf(key, sizeof(key), "history %d", i);
		r = pf_histories_get(parts->histories, key, 1, &history);
		if (r == 0 && !history->packed.size)
			r = pf_history_take(history, "one", slice, 2);
		if (r == 0)
			r = mark(history, generation);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load(struct pf_checkpoint_parts *parts)
{
	struct pf_checkpoint_feeds *feeds = NULL;
	char error[400] = "";
	int r = pf_checkpoint_load(&pf_sys_real, directory, parts, &feeds, error, sizeof(error));

	if (r < 0 && r != -ENOENT)
		fprintf(stderr, "%s\n", error);
	pf_checkpoint_feeds_free(feeds);
	return r;
}

/* Begins as the agent does, with what is there, and saves until it is killed. */
static void __attribute__((noreturn)) save_for_ever(struct shared *shared)
{
	struct pf_checkpoint_parts parts;
	int r = parts_new(&parts);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (r == 0)
		r = load(&parts);
	if (r == -ENOENT)
		r = 0;
	for (uint64_t generation = shared->saved + 1; r >= 0; generation++) {
		r = set_generation(&parts, generation);
		if (r == 0)
			r = pf_checkpoint_save(&pf_sys_real, directory, &parts);
		if (r == 0)
			shared->saved = generation;
	}
	shared->error = r;
	_exit(1);
}

/* Return: the generation that all histories bear; 0 if they do not agree; -errno. */
static int64_t loaded_generation(void)
{
	struct pf_checkpoint_parts parts;
	struct pf_history *history;
	int64_t generation = -1;
	int r = parts_new(&parts);

	if (r == 0)
		r = load(&parts);
	if (r >= 0 && r != NR_HISTORIES)
		generation = 0;
	pf_histories_for_each(parts.histories, cursor, history)
	{
		PF_AUTO(pf_evidence_freep) struct pf_evidence *evidence = NULL;
		int64_t one = pf_history_evidence(history, &evidence) == 0
				      ? (int64_t)evidence->restarts
				      : 0;

		generation = generation < 0 || generation == one ? one : 0;
	}
	parts_free(&parts);
	return r < 0 ? r : generation;
}

static void sleep_us(long us)
{
	const struct timespec time = { .tv_nsec = us * 1000 };

	(void)nanosleep(&time, NULL); /* woken early is as random a moment */
}

/* The child is at work: it has saved once more. */
static void wait_for_save(const struct shared *shared, uint64_t before)
{
	for (int i = 0; i < TRIES && shared->saved == before && !shared->error; i++)
		sleep_us(FIRST_SAVE_US);
	PF_CHECK("saved", shared->saved != before);
}

static void test_kill(void)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *given = getenv("PODFIT_SEED");
	unsigned first_seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	unsigned seed = first_seed, nr_in_between = 0, nr_kills = 0;
	uint64_t end_ns = pf_clock_monotonic_ns() + KILLING_NS;

	PF_CHECK("shared memory", shared != MAP_FAILED);
	snprintf(directory, sizeof(directory), "/tmp/podfit-test-XXXXXX");
	PF_CHECK("mkdtemp", mkdtemp(directory) != NULL);
	for (; nr_kills < KILLS_MAX && (nr_kills < KILLS_MIN || pf_clock_monotonic_ns() < end_ns);
	     nr_kills++) {
		uint64_t before = shared->saved;
		pid_t pid = fork();
		int64_t found;

		if (pid == 0)
			save_for_ever(shared);
		PF_CHECK("fork", pid > 0);
		if (pid < 0)
			break;
		wait_for_save(shared, before);
		sleep_us(rand_r(&seed) % LONGEST_US);
		PF_CHECK_INT("kill", kill(pid, SIGKILL), 0);
		PF_CHECK_INT("wait", waitpid(pid, NULL, 0), pid);
		PF_CHECK_INT("the child's error", shared->error, 0);
		found = loaded_generation();
		/* Renamed but not told yet is one ahead. */
		PF_CHECK("whole, and not older than told",
			 found == (int64_t)shared->saved || found == (int64_t)shared->saved + 1);
		if (found > 0) {
			nr_in_between += found != (int64_t)shared->saved;
			shared->saved = (uint64_t)found;
		}
	}
	PF_CHECK("saved at least once a life", shared->saved >= nr_kills);
	PF_CHECK("some were killed between two saves", nr_in_between < nr_kills);
	if (CU_get_number_of_failures())
		fprintf(stderr, "seed %u, %u of %u kills between rename and return\n", first_seed,
			nr_in_between, nr_kills);
	(void)nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	(void)munmap(shared, sizeof(*shared)); /* of one page */
}

PF_TEST_SUITE(checkpoint_kill, { "kill -9 in a loop", test_kill });
