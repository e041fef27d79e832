// SPDX-License-Identifier: Apache-2.0
/*
 * zoo.c - one kind of memory behaviour, about 1.9 MiB a second, until it is killed: leaks and innocents.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STEP_BYTES = 190 << 10, STEP_US = 100000 };

/* Inlined, so that the fault lies in its caller: a leaf may have no frame of its own. */
static inline __attribute__((always_inline)) void touch(volatile char *memory, size_t size)
{
	for (size_t i = 0; i < size; i += 4096)
		memory[i] = 1;
}

__attribute__((noinline)) static void zoo_forget_malloc(void)
{
	touch(malloc(STEP_BYTES), STEP_BYTES);
}

__attribute__((noinline)) static void zoo_forget_mmap(void)
{
	touch(mmap(NULL, STEP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	      STEP_BYTES);
}

static void *sleeper(void *arg)
{
	char stack[64 << 10];

	touch(stack, sizeof(stack));
	for (;;)
		pause();
	return arg;
}

static void zoo_forget_thread(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 << 10);
	for (int i = 0; i < 3; i++)
		if (pthread_create(&thread, &attr, sleeper, NULL))
			_exit(3);
}

/* A child that stays, with memory of its own. It ends with its parent, which holds the pipe's other end. */
static void zoo_forget_fork(void)
{
	static int life[2];
	char byte;

	if (!life[1] && pipe(life) < 0)
		_exit(3);
	if (fork())
		return;
	close(life[1]);
	touch(malloc(STEP_BYTES), STEP_BYTES);
	_exit(read(life[0], &byte, 1) > 0);
}

static void zoo_grow_shmem(void)
{
	static int fd = -1;
	static off_t size;
	char *memory;

	if (fd < 0)
		fd = memfd_create("zoo", MFD_CLOEXEC);
	size += 188 << 10; /* whole pages */
	if (ftruncate(fd, size) < 0)
		_exit(3);
	memory = mmap(NULL, 188 << 10, PROT_READ | PROT_WRITE, MAP_SHARED, fd, size - (188 << 10));
	touch(memory, 188 << 10);
	munmap(memory, 188 << 10);
}

/* ---- innocents ---- */

static void zoo_fill_cache(FILE *file)
{
	static char block[STEP_BYTES];

	if (fwrite(block, sizeof(block), 1, file) != 1 || fflush(file))
		_exit(3);
}

static void zoo_plateau(unsigned step)
{
	if (step < 100) /* warm for 10 s, then steady */
		zoo_forget_malloc();
}

/* Garbage for 3 s, then all is given back. */
static void zoo_saw(unsigned step)
{
	static char *heap;
	size_t size = (size_t)64 << 20;

	if (!heap)
		heap = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (step % 30 == 29)
		madvise(heap, size, MADV_DONTNEED);
	else
		touch(heap + step % 30 * (2 << 20), 2 << 20);
}

/* A job of 4 s each 15 s. */
static void zoo_batch(unsigned step)
{
	static char *memory;
	size_t size = (size_t)60 << 20;

	if (step % 150 == 20) {
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0);
		touch(memory, size);
	} else if (step % 150 == 60) {
		munmap(memory, size);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	FILE *file = argc > 2 ? fopen(argv[2], "w") : NULL;

	touch(malloc(8 << 20), 8 << 20);
	for (unsigned step = 0;; step++, usleep(STEP_US)) {
		if (!strcmp(what, "malloc"))
			zoo_forget_malloc();
		else if (!strcmp(what, "mmap"))
			zoo_forget_mmap();
		else if (!strcmp(what, "threads"))
			zoo_forget_thread();
		else if (!strcmp(what, "forks"))
			zoo_forget_fork();
		else if (!strcmp(what, "shmem"))
			zoo_grow_shmem();
		else if (!strcmp(what, "cache") && file)
			zoo_fill_cache(file);
		else if (!strcmp(what, "plateau"))
			zoo_plateau(step);
		else if (!strcmp(what, "saw"))
			zoo_saw(step);
		else if (!strcmp(what, "batch"))
			zoo_batch(step);
		else
			return 2;
	}
}
