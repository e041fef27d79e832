/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - a program's settings from one table: flag > environment > file > default.
 *
 * --capture.max-containers=N is PODFIT_CAPTURE_MAX_CONTAINERS in the environment, and in the YAML
 * file either the key "capture.max-containers" or max-containers below capture. The table makes
 * the flags, their environment variables, the keys of the file, the checks and the help. It must
 * have a TEXT "config.file".
 */
#ifndef PF_POLICY_OPTIONS_H
#define PF_POLICY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/cleanup.h"

enum pf_option_type {
	PF_OPTION_TEXT,	    /* char *, never NULL, owned by the settings */
	PF_OPTION_CHOICE,   /* the same, one of "a|b|c" */
	PF_OPTION_BOOL,	    /* bool */
	PF_OPTION_DURATION, /* uint64_t, ns */
	PF_OPTION_COUNT,    /* uint64_t */
	PF_OPTION_BYTES,    /* uint64_t, written as a Kubernetes quantity */
	PF_OPTION_RATIO,    /* double */
};

struct pf_option {
	const char *name;
	enum pf_option_type type;
	size_t offset; /* in the settings' struct */
	const char *initial;
	const char *what; /* the value, in the help; of a CHOICE "a|b|c" */
	const char *help;
	double min, max; /* of COUNT, BYTES and RATIO; of DURATION in seconds */
	bool flag_only;	 /* makes no sense in the environment or the file */
};

struct pf_options {
	const struct pf_option *table;
	size_t nr;
};

/**
 * pf_options_load() - fills the settings' struct of @size bytes.
 * @error: on failure says which setting, where it was written, and what would be right.
 * Return: 0; -EINVAL: a setting is wrong; -errno of reading the file; -ENOMEM. On failure
 * @ret_settings is untouched.
 */
PF_MUST_CHECK int pf_options_load(const struct pf_options *options, int argc, char **argv,
				  char **envp, void *ret_settings, size_t size, char *error,
				  size_t error_size);

/** pf_options_done() - frees the settings' texts. */
void pf_options_done(const struct pf_options *options, void *settings);

/** pf_options_help() - one line a setting, with its default. */
void pf_options_help(const struct pf_options *options, FILE *out);

#endif
