// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * empty.bpf.c - a program that does nothing at each context switch: what the kernel's run-time statistics cost by
 * themselves, taken off all other figures.
 */
#include "kernel_types.bpf.h"

#include <bpf/bpf_helpers.h>

SEC("tp_btf/sched_switch")
int bench_empty(void *ctx)
{
	return 0;
}

char bench_license[] SEC("license") = "Dual BSD/GPL";
