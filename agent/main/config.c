// SPDX-License-Identifier: Apache-2.0
/*
 * config.c - one table makes the flags, their environment variables, the keys of the file, the
 * checks and the help.
 */
#include "main/config.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "core/units.h"
#include "main/config_file.h"

enum type { TEXT, CHOICE, BOOL, DURATION, COUNT, RATIO };

struct option {
	const char *name;
	enum type type;
	size_t offset;
	const char *initial;
	const char *what; /* the value, in the help; choices are "a|b|c" */
	const char *help;
	double min, max; /* of COUNT and RATIO; DURATION in seconds */
	bool flag_only;	 /* makes no sense in the environment or the file */
};

#define AT(field) offsetof(struct pf_config, field)

static const struct option options[] = {
	{ "config.file", TEXT, AT(config_file), "", "PATH",
	  "YAML file with any of these settings" },
	{ "config.check", BOOL, AT(config_check), "false", "",
	  "only check the configuration: exit code 0, or 2 with the reason", .flag_only = true },
	{ "run.duration", DURATION, AT(run_duration_ns), "0", "TIME",
	  "stop after so long; 0: run until told to stop", 0, 1e9 },
	{ "capture.source", CHOICE, AT(capture_source), "auto", "auto|bpf|cgroupfs|replay",
	  "where samples come from; auto takes bpf, or cgroup files where it cannot" },
	{ "capture.interval", DURATION, AT(capture_interval_ns), "10s", "TIME",
	  "between two snapshots of all containers", 0.1, 3600 },
	{ "capture.max-containers", COUNT, AT(capture_max_containers), "1024", "N",
	  "containers tracked at once; more are counted as lost", 1, PF_CONTAINERS_MAX },
	{ "capture.cpu-budget", RATIO, AT(capture_cpu_budget), "0.01", "CPUS",
	  "most CPU that all BPF programs together may take; above it events are thinned; 0: no "
	  "budget",
	  0, 64 },
	{ "capture.growth-stacks", BOOL, AT(capture_growth_stacks), "true", "",
	  "sample page-fault stacks of containers under suspicion of leaking" },
	{ "capture.replay-file", TEXT, AT(capture_replay_file), "", "PATH",
	  "recorded samples for capture.source=replay" },
	{ "cgroup.root", TEXT, AT(cgroup_root), "/sys/fs/cgroup", "PATH",
	  "where cgroups are mounted" },
	{ "path.procfs", TEXT, AT(path_procfs), "/proc", "PATH", "where proc is mounted" },
	{ "caps.keep", TEXT, AT(caps_keep), "", "NAMES",
	  "capabilities not to drop after the start, such as cap_dac_read_search,cap_syslog" },
	{ "cluster.name", TEXT, AT(cluster_name), "", "NAME", "name of the cluster in reports" },
	{ "node.name", TEXT, AT(node_name), "", "NAME",
	  "name of this node in reports, as the API server knows it; empty: the host's name" },
	{ "export.file", TEXT, AT(export_file), "", "PATH",
	  "append every report to this file, as length-delimited protobuf" },
	{ "export.interval", DURATION, AT(export_interval_ns), "60s", "TIME", "between two reports",
	  1, 3600 },
	{ "api.socket", TEXT, AT(api_socket), "/run/podfit/agent.sock", "PATH",
	  "unix socket of the local API (podfit top, report, ...); empty: none" },
	{ "web.listen-address", TEXT, AT(web_listen_address), "", "HOST:PORT",
	  "serve /metrics, /livez, /readyz and /startupz there; empty: off" },
	{ "state.directory", TEXT, AT(state_directory), "", "PATH",
	  "directory for what must survive a restart; empty: nothing survives" },
	{ "log.level", CHOICE, AT(log_level), "info", "debug|info|warning|error",
	  "log nothing less important" },
	{ "log.format", CHOICE, AT(log_format), "logfmt", "logfmt|json", "of the lines on stderr" },
	{ "time.scale", RATIO, AT(time_scale), "1", "FACTOR",
	  "fast-forward for tests and demonstrations: analysis time runs so much faster, samples "
	  "are that much closer together",
	  1, 3600 },
	{ "doctor", BOOL, AT(doctor), "false", "",
	  "tell what this kernel and these rights allow, signal by signal, and exit",
	  .flag_only = true },
	{ "output", CHOICE, AT(doctor_output), "text", "text|json", "of --doctor; also -o",
	  .flag_only = true },
	{ "version", BOOL, AT(version), "false", "", "print the version", .flag_only = true },
	{ "help", BOOL, AT(help), "false", "", "this list", .flag_only = true },
};

static bool is_choice(const char *choices, const char *value)
{
	size_t len = strlen(value);

	for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
		if (len && !strncmp(at, value, len) && (at[len] == '|' || !at[len]))
			return true;
	return false;
}

static int set_text(char **place, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*place);
	*place = copy;
	return 0;
}

/* Return: 0; -EINVAL with @want saying what would be right; -ENOMEM. */
static int set_value(const struct option *option, const char *value, struct pf_config *config,
		     char *want, size_t want_size)
{
	void *place = (char *)config + option->offset;
	uint64_t number;
	double ratio = 0;
	int r;

	switch (option->type) {
	case TEXT:
		return set_text(place, value);
	case CHOICE:
		(void)snprintf(want, want_size, "%s", option->what);
		return is_choice(option->what, value) ? set_text(place, value) : -EINVAL;
	case BOOL:
		(void)snprintf(want, want_size, "true or false");
		return pf_parse_bool(value, place);
	case DURATION:
		(void)snprintf(want, want_size, "a duration such as 15s, from %g s to %g s",
			       option->min, option->max);
		r = pf_parse_duration(value, &number);
		if (r < 0 || (double)number < option->min * (double)PF_NS_PER_S ||
		    (double)number > option->max * (double)PF_NS_PER_S)
			return -EINVAL;
		memcpy(place, &number, sizeof(number));
		return 0;
	case COUNT:
		(void)snprintf(want, want_size, "a number from %g to %g", option->min, option->max);
		r = pf_parse_u64(value, &number);
		if (r < 0 || (double)number < option->min || (double)number > option->max)
			return -EINVAL;
		memcpy(place, &number, sizeof(number));
		return 0;
	case RATIO:
		(void)snprintf(want, want_size, "a number from %g to %g", option->min, option->max);
		r = pf_parse_double(value, &ratio);
		if (r < 0 || ratio < option->min || ratio > option->max)
			return -EINVAL;
		memcpy(place, &ratio, sizeof(ratio));
		return 0;
	}
	return -EINVAL;
}

static const struct option *find(const char *name, size_t len)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(options); i++)
		if (strlen(options[i].name) == len && !strncmp(options[i].name, name, len))
			return &options[i];
	return NULL;
}

/* @where: such as "--log.level" or "podfit.yaml line 3". */
static int set_option(const struct option *option, const char *where, const char *value,
		      struct pf_config *config, char error[PF_CONFIG_ERROR_MAX])
{
	char want[160];
	int r = set_value(option, value, config, want, sizeof(want));

	if (r == -EINVAL)
		(void)snprintf(error, PF_CONFIG_ERROR_MAX, "%s: \"%.100s\" is not %s", where, value,
			       want);
	return r;
}

/* "log.level" -> "PODFIT_LOG_LEVEL" */
static void environment_name(const struct option *option, char *name, size_t size)
{
	(void)snprintf(name, size, "PODFIT_%s", option->name); /* names are short */
	for (char *at = name; *at; at++)
		*at = *at == '.' || *at == '-' ? '_' : (char)toupper((unsigned char)*at);
}

/* Other PODFIT_ variables are left alone: Kubernetes makes such ones for every service. */
static int load_environment(char **envp, struct pf_config *config, char error[PF_CONFIG_ERROR_MAX])
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(options); i++) {
		char name[64];
		size_t len;

		environment_name(&options[i], name, sizeof(name));
		len = strlen(name);
		for (char **at = envp; *at && !options[i].flag_only; at++) {
			int r = 0;

			if (!strncmp(*at, name, len) && (*at)[len] == '=')
				r = set_option(&options[i], name, *at + len + 1, config, error);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

struct arguments {
	int argc, at;
	char **argv;
};

/* --name=value, --name value, --name for a boolean, -o for --output, -h for --help. */
static int next_flag(struct arguments *arguments, const struct option **ret_option,
		     const char **ret_value, char error[PF_CONFIG_ERROR_MAX])
{
	const char *argument = arguments->argv[arguments->at++];
	const char *name = argument + 2, *equals = strchr(argument, '=');
	const struct option *option;

	if (!strcmp(argument, "-h"))
		name = "help";
	else if (!strcmp(argument, "-o"))
		name = "output";
	else if (strncmp(argument, "--", 2)) {
		(void)snprintf(error, PF_CONFIG_ERROR_MAX,
			       "%.100s: arguments begin with -- (see --help)", argument);
		return -EINVAL;
	}
	option = find(name, equals ? (size_t)(equals - name) : strlen(name));
	if (!option) {
		(void)snprintf(error, PF_CONFIG_ERROR_MAX, "%.100s: no such flag (see --help)",
			       argument);
		return -EINVAL;
	}
	*ret_option = option;
	*ret_value = "true";
	if (equals)
		*ret_value = equals + 1;
	else if (option->type != BOOL && arguments->at < arguments->argc)
		*ret_value = arguments->argv[arguments->at++];
	else if (option->type != BOOL) {
		(void)snprintf(error, PF_CONFIG_ERROR_MAX, "--%s: needs a value (%s)", option->name,
			       option->what);
		return -EINVAL;
	}
	return 0;
}

/* @only: NULL, or the one flag to take (config.file must be known before the rest is set). */
static int load_flags(int argc, char **argv, const char *only, struct pf_config *config,
		      char error[PF_CONFIG_ERROR_MAX])
{
	struct arguments arguments = { argc, 1, argv };

	while (arguments.at < argc) {
		const struct option *option = NULL;
		const char *value = NULL;
		char where[64];
		int r = next_flag(&arguments, &option, &value, error);

		if (r < 0)
			return r;
		if (only && strcmp(option->name, only))
			continue;
		(void)snprintf(where, sizeof(where), "--%s", option->name);
		r = set_option(option, where, value, config, error);
		if (r < 0)
			return r;
	}
	return 0;
}

struct file_target {
	struct pf_config *config;
	char *error;
};

static int set_from_file(void *arg, const char *where, const char *name, const char *value)
{
	struct file_target *target = arg;
	const struct option *option = find(name, strlen(name));

	if (!option || option->flag_only) {
		(void)snprintf(target->error, PF_CONFIG_ERROR_MAX,
			       "%s: no such setting: %.100s (see --help)", where, name);
		return -EINVAL;
	}
	return set_option(option, where, value, target->config, target->error);
}

static int set_defaults(struct pf_config *config)
{
	char unused[PF_CONFIG_ERROR_MAX];

	for (size_t i = 0; i < PF_ARRAY_SIZE(options); i++) {
		int r = set_option(&options[i], "default", options[i].initial, config, unused);

		if (r < 0)
			return r;
	}
	return 0;
}

static int load(int argc, char **argv, char **envp, struct pf_config *config,
		char error[PF_CONFIG_ERROR_MAX])
{
	struct file_target target = { config, error };
	int r = set_defaults(config);

	if (r == 0)
		r = load_environment(envp, config, error);
	if (r == 0)
		r = load_flags(argc, argv, "config.file", config, error);
	if (r == 0 && config->config_file[0]) {
		r = pf_config_file_read(config->config_file, set_from_file, &target, error,
					PF_CONFIG_ERROR_MAX);
		/* What the file has set, environment and flags set again: theirs holds. */
		if (r == 0)
			r = load_environment(envp, config, error);
	}
	if (r == 0)
		r = load_flags(argc, argv, NULL, config, error);
	return r;
}

int pf_config_load(int argc, char **argv, char **envp, struct pf_config *ret_config,
		   char error[PF_CONFIG_ERROR_MAX])
{
	struct pf_config config = { 0 };
	int r;

	error[0] = '\0';
	r = load(argc, argv, envp, &config, error);
	if (r < 0) {
		if (r == -ENOMEM)
			(void)snprintf(error, PF_CONFIG_ERROR_MAX, "out of memory");
		pf_config_done(&config);
		return r;
	}
	*ret_config = config;
	return 0;
}

void pf_config_done(struct pf_config *config)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(options); i++)
		if (options[i].type == TEXT || options[i].type == CHOICE) {
			char **place = (char **)(void *)((char *)config + options[i].offset);

			free(*place);
			*place = NULL;
		}
}

void pf_config_help(FILE *out)
{
	fprintf(out,
		"usage: podfit-agent [--FLAG=VALUE ...]\n\n"
		"Measures every container of this host in the kernel and reports what each needs.\n"
		"Each flag is also an environment variable (--log.level is PODFIT_LOG_LEVEL) and a key\n"
		"of the file --config.file; flag > environment > file > default.\n\n");
	for (size_t i = 0; i < PF_ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];
		char left[64];

		(void)snprintf(left, sizeof(left), "--%s%s%s", o->name, o->what[0] ? "=" : "",
			       o->what);
		fprintf(out, "  %-46s %s%s%s%s\n", left, o->help,
			o->type != BOOL && o->initial[0] ? " (" : "",
			o->type != BOOL ? o->initial : "",
			o->type != BOOL && o->initial[0] ? ")" : "");
	}
	fprintf(out,
		"\nExit codes: 0 done, 1 failed while running, 2 wrong use or configuration,\n"
		"4 this kernel or these rights do not allow what was asked, 5 input damaged.\n");
}
