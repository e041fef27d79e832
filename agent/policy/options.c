// SPDX-License-Identifier: Apache-2.0
#include "policy/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "core/units.h"
#include "policy/options_file.h"

/* Where settings go while they are read. */
struct loader {
	const struct pf_options *options;
	char *settings;
	char *error;
	size_t error_size;
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

static int set_number(const struct pf_option *option, int parsed, double unit, uint64_t number,
		      void *place)
{
	if (parsed < 0 || (double)number < option->min * unit ||
	    (double)number > option->max * unit)
		return -EINVAL;
	memcpy(place, &number, sizeof(number));
	return 0;
}

/* Return: 0; -EINVAL with @want saying what would be right; -ENOMEM. */
static int set_value(const struct pf_option *option, const char *value, void *place, char *want,
		     size_t want_size)
{
	uint64_t number = 0;
	double ratio = 0;
	int r;

	switch (option->type) {
	case PF_OPTION_TEXT:
		return set_text(place, value);
	case PF_OPTION_CHOICE:
		(void)snprintf(want, want_size, "%s", option->what);
		return is_choice(option->what, value) ? set_text(place, value) : -EINVAL;
	case PF_OPTION_BOOL:
		(void)snprintf(want, want_size, "true or false");
		return pf_parse_bool(value, place);
	case PF_OPTION_DURATION:
		(void)snprintf(want, want_size, "a duration such as 15s, from %g s to %g s",
			       option->min, option->max);
		r = pf_parse_duration(value, &number);
		return set_number(option, r, (double)PF_NS_PER_S, number, place);
	case PF_OPTION_COUNT:
		(void)snprintf(want, want_size, "a number from %g to %g", option->min, option->max);
		r = pf_parse_u64(value, &number);
		return set_number(option, r, 1, number, place);
	case PF_OPTION_BYTES:
		(void)snprintf(want, want_size, "a size such as 512Mi, from %g to %g bytes",
			       option->min, option->max);
		r = pf_parse_memory_quantity(value, &number);
		return set_number(option, r, 1, number, place);
	case PF_OPTION_RATIO:
		(void)snprintf(want, want_size, "a number from %g to %g", option->min, option->max);
		r = pf_parse_double(value, &ratio);
		if (r < 0 || ratio < option->min || ratio > option->max)
			return -EINVAL;
		memcpy(place, &ratio, sizeof(ratio));
		return 0;
	}
	return -EINVAL;
}

static const struct pf_option *find(const struct pf_options *options, const char *name, size_t len)
{
	for (size_t i = 0; i < options->nr; i++)
		if (strlen(options->table[i].name) == len &&
		    !strncmp(options->table[i].name, name, len))
			return &options->table[i];
	return NULL;
}

/* @where: such as "--log.level" or "podfit.yaml line 3". */
static int set_option(const struct loader *loader, const struct pf_option *option,
		      const char *where, const char *value)
{
	char want[160];
	int r = set_value(option, value, loader->settings + option->offset, want, sizeof(want));

	if (r == -EINVAL)
		(void)snprintf(loader->error, loader->error_size, "%s: \"%.100s\" is not %s", where,
			       value, want);
	return r;
}

/* "log.level" -> "PODFIT_LOG_LEVEL" */
static void environment_name(const struct pf_option *option, char *name, size_t size)
{
	(void)snprintf(name, size, "PODFIT_%s", option->name); /* names are short */
	for (char *at = name; *at; at++)
		*at = *at == '.' || *at == '-' ? '_' : (char)toupper((unsigned char)*at);
}

/* Other PODFIT_ variables are left alone: Kubernetes makes such ones for every service. */
static int load_environment(const struct loader *loader, char **envp)
{
	for (size_t i = 0; i < loader->options->nr; i++) {
		const struct pf_option *option = &loader->options->table[i];
		char name[64];
		size_t len;

		environment_name(option, name, sizeof(name));
		len = strlen(name);
		for (char **at = envp; *at && !option->flag_only; at++) {
			int r = 0;

			if (!strncmp(*at, name, len) && (*at)[len] == '=')
				r = set_option(loader, option, name, *at + len + 1);
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
static int next_flag(const struct loader *loader, struct arguments *arguments,
		     const struct pf_option **ret_option, const char **ret_value)
{
	const char *argument = arguments->argv[arguments->at++];
	const char *name = argument + 2, *equals = strchr(argument, '=');
	const struct pf_option *option;

	if (!strcmp(argument, "-h"))
		name = "help";
	else if (!strcmp(argument, "-o"))
		name = "output";
	else if (strncmp(argument, "--", 2)) {
		(void)snprintf(loader->error, loader->error_size,
			       "%.100s: arguments begin with -- (see --help)", argument);
		return -EINVAL;
	}
	option = find(loader->options, name, equals ? (size_t)(equals - name) : strlen(name));
	if (!option) {
		(void)snprintf(loader->error, loader->error_size,
			       "%.100s: no such flag (see --help)", argument);
		return -EINVAL;
	}
	*ret_option = option;
	*ret_value = "true";
	if (equals)
		*ret_value = equals + 1;
	else if (option->type != PF_OPTION_BOOL && arguments->at < arguments->argc)
		*ret_value = arguments->argv[arguments->at++];
	else if (option->type != PF_OPTION_BOOL) {
		(void)snprintf(loader->error, loader->error_size, "--%s: needs a value (%s)",
			       option->name, option->what);
		return -EINVAL;
	}
	return 0;
}

/* @only: NULL, or the one flag to take (config.file must be known before the rest is set). */
static int load_flags(const struct loader *loader, int argc, char **argv, const char *only)
{
	struct arguments arguments = { argc, 1, argv };

	while (arguments.at < argc) {
		const struct pf_option *option = NULL;
		const char *value = NULL;
		char where[64];
		int r = next_flag(loader, &arguments, &option, &value);

		if (r < 0)
			return r;
		if (only && strcmp(option->name, only))
			continue;
		(void)snprintf(where, sizeof(where), "--%s", option->name);
		r = set_option(loader, option, where, value);
		if (r < 0)
			return r;
	}
	return 0;
}

static int set_from_file(void *arg, const char *where, const char *name, const char *value)
{
	const struct loader *loader = arg;
	const struct pf_option *option = find(loader->options, name, strlen(name));

	if (!option || option->flag_only) {
		(void)snprintf(loader->error, loader->error_size,
			       "%s: no such setting: %.100s (see --help)", where, name);
		return -EINVAL;
	}
	return set_option(loader, option, where, value);
}

static int set_defaults(const struct loader *loader)
{
	for (size_t i = 0; i < loader->options->nr; i++) {
		const struct pf_option *option = &loader->options->table[i];
		int r = set_option(loader, option, "default", option->initial);

		if (r < 0)
			return r;
	}
	return 0;
}

static int load(struct loader *loader, int argc, char **argv, char **envp)
{
	const struct pf_option *file = find(loader->options, "config.file", 11);
	char **path;
	int r = set_defaults(loader);

	if (r == 0)
		r = load_environment(loader, envp);
	if (r == 0)
		r = load_flags(loader, argc, argv, "config.file");
	if (r < 0)
		return r;
	path = (char **)(void *)(loader->settings + file->offset);
	if (**path) {
		r = pf_options_file_read(*path, set_from_file, loader, loader->error,
					 loader->error_size);
		/* What the file has set, environment and flags set again: theirs holds. */
		if (r == 0)
			r = load_environment(loader, envp);
	}
	return r < 0 ? r : load_flags(loader, argc, argv, NULL);
}

int pf_options_load(const struct pf_options *options, int argc, char **argv, char **envp,
		    void *ret_settings, size_t size, char *error, size_t error_size)
{
	PF_AUTO(pf_freep) char *settings = calloc(1, size);
	struct loader loader = { options, settings, error, error_size };
	int r;

	error[0] = '\0';
	r = settings ? load(&loader, argc, argv, envp) : -ENOMEM;
	if (r < 0) {
		if (r == -ENOMEM)
			(void)snprintf(error, error_size, "out of memory");
		if (settings)
			pf_options_done(options, settings);
		return r;
	}
	memcpy(ret_settings, settings, size);
	return 0;
}

void pf_options_done(const struct pf_options *options, void *settings)
{
	for (size_t i = 0; i < options->nr; i++) {
		const struct pf_option *option = &options->table[i];
		char **place = (char **)(void *)((char *)settings + option->offset);

		if (option->type != PF_OPTION_TEXT && option->type != PF_OPTION_CHOICE)
			continue;
		free(*place);
		*place = NULL;
	}
}

void pf_options_help(const struct pf_options *options, FILE *out)
{
	for (size_t i = 0; i < options->nr; i++) {
		const struct pf_option *o = &options->table[i];
		bool has_default = o->type != PF_OPTION_BOOL && o->initial[0];
		char left[64];

		(void)snprintf(left, sizeof(left), "--%s%s%s", o->name, o->what[0] ? "=" : "",
			       o->what); /* cut if too long */
		fprintf(out, "  %-46s %s%s%s%s\n", left, o->help, has_default ? " (" : "",
			has_default ? o->initial : "", has_default ? ")" : "");
	}
}
