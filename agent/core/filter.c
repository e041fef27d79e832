// SPDX-License-Identifier: Apache-2.0
#include "core/filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	TERMS_MAX = 64,
	TEXT_MAX = 4096,
	PARTS = 3, /* namespace, workload, container */
};

enum key {
	KEY_NAMESPACE,
	KEY_WORKLOAD,
	KEY_KIND,
	KEY_POD,
	KEY_CONTAINER,
	KEY_NODE,
	KEY_QOS,
	KEY_LABEL,
	KEY_PARTS, /* no key given */
};

static const char *const key_names[] = {
	[KEY_NAMESPACE] = "namespace",
	[KEY_WORKLOAD] = "workload",
	[KEY_KIND] = "kind",
	[KEY_POD] = "pod",
	[KEY_CONTAINER] = "container",
	[KEY_NODE] = "node",
	[KEY_QOS] = "qos",
};

static const char *const qos_names[] = {
	[PF_QOS_UNKNOWN] = "",
	[PF_QOS_GUARANTEED] = "Guaranteed",
	[PF_QOS_BURSTABLE] = "Burstable",
	[PF_QOS_BEST_EFFORT] = "BestEffort",
};

struct term {
	enum key key;
	bool negated;
	const char *label;
	char *values; /* NUL-separated, an empty one behind the last */
	size_t nr_values;
};

struct pf_filter {
	size_t nr_terms;
	struct term terms[TERMS_MAX];
	char text[]; /* what the terms point into, cut into words */
};

/* Iterative, with one place to come back to: linear in practice, never exponential. */
bool pf_filter_glob(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			from = text;
		} else if (*pattern && (*pattern == '?' || *pattern == *text)) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

static char *trim(char *text)
{
	size_t len;

	while (*text == ' ' || *text == '\t')
		text++;
	len = strlen(text);
	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		text[--len] = '\0';
	return text;
}

/* Cuts @text at each @separator into words that follow one another, each with its NUL. */
static size_t cut(char *text, char separator)
{
	size_t nr = 1;

	for (; *text; text++)
		if (*text == separator) {
			*text = '\0';
			nr++;
		}
	return nr;
}

static int parse_key(struct term *term, char *key, char *error, size_t size)
{
	if ((!strncmp(key, "label:", 6) || !strncmp(key, "label.", 6)) && key[6]) {
		term->key = KEY_LABEL;
		term->label = key + 6;
		return 0;
	}
	for (size_t i = 0; i < PF_ARRAY_SIZE(key_names); i++)
		if (!strcmp(key_names[i], key)) {
			term->key = (enum key)i;
			return 0;
		}
	snprintf(error, size,
		 "filter: no key '%s': namespace, workload, kind, pod, container, node, qos or "
		 "label:NAME",
		 key);
	return -EINVAL;
}

static int parse_term(struct term *term, char *text, char *error, size_t size)
{
	char *equals = strchr(text, '=');

	if (!*text) {
		snprintf(error, size, "filter: an empty term: nothing before or after a comma");
		return -EINVAL;
	}
	if (!equals) {
		term->key = KEY_PARTS;
		term->values = text;
		term->nr_values = cut(text, '/');
		if (term->nr_values <= PARTS)
			return 0;
		snprintf(error, size, "filter: more than NAMESPACE/WORKLOAD/CONTAINER in '%s/...'",
			 text);
		return -EINVAL;
	}
	term->negated = equals > text && equals[-1] == '!';
	equals[term->negated ? -1 : 0] = '\0';
	term->values = trim(equals + 1);
	term->nr_values = cut(term->values, '|');
	return parse_key(term, trim(text), error, size);
}

int pf_filter_parse(const char *text, struct pf_filter **ret_filter, char *error, size_t error_size)
{
	size_t len = text ? strlen(text) : 0;
	PF_AUTO(pf_filter_freep) struct pf_filter *filter = NULL;
	char *next;

	if (len > TEXT_MAX) {
		snprintf(error, error_size, "filter: longer than %d bytes", TEXT_MAX);
		return -ENOSPC;
	}
	filter = calloc(1, sizeof(*filter) + len + 1);
	if (!filter)
		return -ENOMEM;
	if (len)
		memcpy(filter->text, text, len);
	next = len ? filter->text : NULL;
	while (next) {
		char *term = next, *comma = strchr(next, ',');
		int r;

		next = comma ? comma + 1 : NULL;
		if (comma)
			*comma = '\0';
		if (filter->nr_terms == TERMS_MAX) {
			snprintf(error, error_size, "filter: more than %d terms", TERMS_MAX);
			return -ENOSPC;
		}
		r = parse_term(&filter->terms[filter->nr_terms++], trim(term), error, error_size);
		if (r < 0)
			return r;
	}
	*ret_filter = pf_take(filter);
	return 0;
}

void pf_filter_free(struct pf_filter *filter)
{
	free(filter);
}

static const char *label_value(const struct pf_identity *identity, const char *name)
{
	for (uint32_t i = 0; i < identity->nr_labels; i++)
		if (!strcmp(identity->labels[i].key, name))
			return identity->labels[i].value;
	return "";
}

static const char *value_of(const struct term *term, const char *node,
			    const struct pf_identity *identity)
{
	switch (term->key) {
	case KEY_NAMESPACE:
		return identity->namespace_name;
	case KEY_WORKLOAD:
		return identity->workload;
	case KEY_KIND:
		return pf_workload_kind_name(identity->workload_kind);
	case KEY_POD:
		return identity->pod;
	case KEY_CONTAINER:
		return identity->container;
	case KEY_NODE:
		return node ? node : "";
	case KEY_QOS:
		return qos_names[identity->qos];
	default:
		return label_value(identity, term->label);
	}
}

static bool match_parts(const struct term *term, const struct pf_identity *identity)
{
	const char *parts[PARTS] = { identity->namespace_name, identity->workload,
				     identity->container };
	const char *value = term->values;

	if (term->nr_values == 1)
		return pf_filter_glob(value, parts[0]) || pf_filter_glob(value, parts[1]) ||
		       pf_filter_glob(value, parts[2]) || pf_filter_glob(value, identity->pod);
	for (size_t i = 0; i < term->nr_values; i++, value += strlen(value) + 1)
		if (!pf_filter_glob(value, parts[i]))
			return false;
	return true;
}

static bool match_term(const struct term *term, const char *node,
		       const struct pf_identity *identity)
{
	const char *pattern = term->values, *value;
	bool found = false;

	if (term->key == KEY_PARTS)
		return match_parts(term, identity);
	value = value_of(term, node, identity);
	for (size_t i = 0; i < term->nr_values && !found; i++, pattern += strlen(pattern) + 1)
		found = pf_filter_glob(pattern, value);
	return found != term->negated;
}

bool pf_filter_match(const struct pf_filter *filter, const char *node,
		     const struct pf_identity *identity)
{
	for (size_t i = 0; filter && i < filter->nr_terms; i++)
		if (!match_term(&filter->terms[i], node, identity))
			return false;
	return true;
}
