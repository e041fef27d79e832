// SPDX-License-Identifier: Apache-2.0
/*
 * zoo.c - one kind of memory behaviour, until it is killed: leaks of about 0.95 MiB a second on top of 56 MiB, and
 * innocents.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BASE_BYTES = 56 << 20,
	STEP_BYTES = 96 << 10,
	STEP_US = 100000,
	SOCKET_BYTES = 88 << 10,
	SEMAPHORES = 48, /* of 64 bytes each: with its head an array takes 4 KiB */
};

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
	char stack[80 << 10];

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
	/* Its page tables and stacks, in the kernel too, take as much again. */
	touch(malloc(STEP_BYTES / 2), STEP_BYTES / 2);
	_exit(read(life[0], &byte, 1) > 0);
}

static void zoo_grow_shmem(void)
{
	static int fd = -1;
	static off_t size;
	char *memory;

	if (fd < 0)
		fd = memfd_create("zoo", MFD_CLOEXEC);
	size += STEP_BYTES;
	if (ftruncate(fd, size) < 0)
		_exit(3);
	memory =
		mmap(NULL, STEP_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, size - (STEP_BYTES));
	touch(memory, STEP_BYTES);
	munmap(memory, STEP_BYTES);
}

/* A connection to itself, that sends what it never receives. */
static void zoo_forget_socket(void)
{
	static int listener = -1;
	static struct sockaddr_in address = { .sin_family = AF_INET };
	static const char data[SOCKET_BYTES];
	static const int buffer = 2 * SOCKET_BYTES;
	socklen_t size = sizeof(address);
	int from;

	if (listener < 0) {
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (bind(listener, (struct sockaddr *)&address, size) < 0 ||
		    listen(listener, 64) < 0 ||
		    getsockname(listener, (struct sockaddr *)&address, &size) < 0)
			_exit(3);
	}
	from = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (setsockopt(from, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)) < 0 ||
	    connect(from, (struct sockaddr *)&address, size) < 0 ||
	    accept(listener, NULL, NULL) < 0 || send(from, data, sizeof(data), MSG_DONTWAIT) < 0)
		_exit(3);
}

/* Sets of semaphores, which the kernel keeps until somebody removes them. They go with their namespace. */
static void zoo_forget_semaphores(void)
{
	static int own;

	if (!own++ && unshare(CLONE_NEWIPC) < 0)
		_exit(3);
	for (int i = 0; i < STEP_BYTES / 4096; i++)
		if (semget(IPC_PRIVATE, SEMAPHORES, 0600) < 0)
			_exit(3);
}

/* ---- innocents ---- */

/* Reads what it wrote, or a disk that somebody else filled. */
static void zoo_fill_cache(int file)
{
	static char block[STEP_BYTES];
	static off_t at;

	if (pread(file, block, sizeof(block), at) <= 0 &&
	    pwrite(file, block, sizeof(block), at) != (ssize_t)sizeof(block))
		_exit(3);
	at += sizeof(block);
}

static void zoo_plateau(unsigned step)
{
	if (step < 200) /* warm for 20 s, then steady */
		zoo_forget_malloc();
}

/* Garbage for 3 s, then all is given back. */
static void zoo_saw(unsigned step)
{
	static char *heap;
	size_t size = (size_t)48 << 20;

	if (!heap)
		heap = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (step % 30 == 29)
		madvise(heap, size, MADV_DONTNEED);
	else
		touch(heap + step % 30 * (STEP_BYTES * 16), STEP_BYTES * 16);
}

/* A job of 4 s each 15 s. */
static void zoo_batch(unsigned step)
{
	static char *memory;
	size_t size = (size_t)48 << 20;

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
	int file = argc > 2 ? open(argv[2], O_RDWR | O_CREAT, 0600) : -1;
	char *base;
	const struct rlimit many = { 65536, 65536 };

	(void)setrlimit(RLIMIT_NOFILE, &many); /* what needs many says so when it has none left */
	/* What was there before; not in children's page tables. */
	base = mmap(NULL, BASE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)madvise(base, BASE_BYTES, MADV_DONTFORK);
	touch(base, BASE_BYTES);
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
		else if (!strcmp(what, "sockets"))
			zoo_forget_socket();
		else if (!strcmp(what, "semaphores"))
			zoo_forget_semaphores();
		else if (!strcmp(what, "cache") && file >= 0)
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
