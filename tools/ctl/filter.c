// SPDX-License-Identifier: Apache-2.0
#include "ctl/filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const keys[] = { "namespace", "pod",	 "workload", "container",
				    "node",	 "kind", "qos" };
static const char *const qos_names[] = { "", "Guaranteed", "Burstable", "BestEffort" };

static bool is_key(const char *key)
{
	if (!strncmp(key, "label:", 6))
		return key[6] != '\0';
	for (size_t i = 0; i < PF_ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i], key))
			return true;
	return false;
}

int pf_filter_parse(const char *text, struct pf_filter *ret_filter, char *error, size_t error_size)
{
	struct pf_filter filter = { .text = strdup(text) };
	char *rest = filter.text, *part;

	if (!filter.text)
		return -ENOMEM;
	while ((part = strsep(&rest, ",")) != NULL) {
		char *equals = strchr(part, '=');

		if (!*part)
			continue;
		if (equals)
			*equals = '\0';
		if (filter.nr_parts == PF_FILTER_PARTS_MAX || (equals && !is_key(part))) {
			(void)snprintf(error, error_size,
				       filter.nr_parts == PF_FILTER_PARTS_MAX
					       ? "too many parts at %s"
					       : "%s: no such key; there are namespace, pod, "
						 "workload, container, node, kind, qos, label:NAME",
				       part);
			pf_filter_done(&filter);
			return -EINVAL;
		}
		filter.parts[filter.nr_parts].key = equals ? part : NULL;
		filter.parts[filter.nr_parts++].pattern = equals ? equals + 1 : part;
	}
	*ret_filter = filter;
	return 0;
}

void pf_filter_done(struct pf_filter *filter)
{
	free(filter->text);
	*filter = (struct pf_filter){ 0 };
}

static bool like(const char *pattern, const char *value)
{
	return fnmatch(pattern, value, 0) == 0;
}

static const char *label_of(const struct pf_identity *id, const char *name)
{
	for (uint32_t i = 0; i < id->nr_labels; i++)
		if (!strcmp(id->labels[i].key, name))
			return id->labels[i].value;
	return NULL;
}

static bool match_part(const char *key, const char *pattern, const struct pf_report *report,
		       const struct pf_identity *id)
{
	if (!key)
		return like(pattern, id->workload) || like(pattern, id->container) ||
		       like(pattern, id->pod);
	if (!strncmp(key, "label:", 6)) {
		const char *value = label_of(id, key + 6);

		return value && like(pattern, value);
	}
	const char *const values[] = { id->namespace_name, id->pod,
				       id->workload,	   id->container,
				       report->node,	   pf_workload_kind_name(id->workload_kind),
				       qos_names[id->qos] };

	for (size_t i = 0; i < PF_ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i], key))
			return like(pattern, values[i]);
	return false;
}

bool pf_filter_match(const struct pf_filter *filter, const struct pf_report *report,
		     const struct pf_report_container *container)
{
	for (size_t i = 0; i < filter->nr_parts; i++)
		if (!match_part(filter->parts[i].key, filter->parts[i].pattern, report,
				container->identity))
			return false;
	return true;
}
