// SPDX-License-Identifier: Apache-2.0
/*
 * agent_meta.c - who the containers are: meta/ with what the configuration says.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "main/agent.h"
#include "sys/log.h"

/* "a,b,c" into names; more than fit are left out, which the limit of what is carried would do too. */
static int split(const char *text, char **ret_copy, const char *names[PF_LABELS_MAX + 1])
{
	char *rest = strdup(text), *name;
	size_t nr = 0;

	if (!rest)
		return -ENOMEM;
	*ret_copy = rest;
	while ((name = strsep(&rest, ", ")) != NULL && nr < PF_LABELS_MAX)
		if (*name)
			names[nr++] = name;
	names[nr] = NULL;
	return 0;
}

static void set(const char **place, const char *value)
{
	if (value[0])
		*place = value;
}

int pf_agent_meta_options(const struct pf_config *config, const char *node_name,
			  struct pf_agent_lists *ret_lists, struct pf_meta_opts *ret_opts)
{
	struct pf_meta_source_opts *with = &ret_opts->with;
	int r = 0;

	pf_meta_opts_init(ret_opts);
	*ret_lists = (struct pf_agent_lists){ 0 };
	ret_opts->source = config->pods_source;
	ret_opts->max_cgroups = 2 * (uint32_t)config->capture_max_containers;
	with->node_name = node_name;
	with->resolve_owners = config->pods_resolve_owners;
	with->hpa = config->pods_hpa;
	with->kubelet_interval_ns = config->kubelet_interval_ns;
	with->pod_logs = config->pods_logs;
	with->kubelet.insecure = config->kubelet_insecure;
	set(&with->apiserver.url, config->apiserver_url);
	set(&with->apiserver.ca_file, config->apiserver_ca_file);
	set(&with->apiserver.token_file, config->apiserver_token_file);
	set(&with->kubelet.url, config->kubelet_url);
	set(&with->kubelet.ca_file, config->kubelet_ca_file);
	set(&with->kubelet.token_file, config->kubelet_token_file);
	set(&with->kubelet.cert_file, config->kubelet_cert_file);
	set(&with->kubelet.key_file, config->kubelet_key_file);
	if (config->pods_labels[0]) {
		r = split(config->pods_labels, &ret_lists->labels, ret_lists->label_names);
		with->labels = ret_lists->label_names;
	}
	if (r == 0 && config->pods_annotations[0]) {
		r = split(config->pods_annotations, &ret_lists->annotations,
			  ret_lists->annotation_names);
		with->annotations = ret_lists->annotation_names;
	}
	return r;
}

void pf_agent_lists_done(struct pf_agent_lists *lists)
{
	free(lists->labels);
	free(lists->annotations);
	*lists = (struct pf_agent_lists){ 0 };
}

int pf_agent_meta_open(struct pf_agent *agent, char error[PF_AGENT_ERROR_MAX])
{
	struct pf_meta_opts opts;
	char why[400] = "out of memory";
	int r = pf_agent_meta_options(agent->config, agent->node.name, &agent->lists, &opts);

	if (r == 0)
		r = pf_meta_new(&opts, agent->loop, &agent->meta, why, sizeof(why));
	if (r < 0)
		(void)snprintf(error, PF_AGENT_ERROR_MAX, "pods.source=%s: %s",
			       agent->config->pods_source, why);
	return r == 0 ? 0 : r == -EINVAL ? 2 : 1;
}

bool pf_agent_identify(struct pf_agent *agent, struct pf_track *track)
{
	enum pf_meta_answer answer = pf_meta_lookup(agent->meta, &track->cgroup, &track->identity);

	track->pending = answer == PF_META_PENDING;
	return answer != PF_META_PENDING && answer != PF_META_SANDBOX;
}

void pf_agent_meta_close(struct pf_agent *agent)
{
	pf_meta_free(agent->meta);
	agent->meta = NULL;
	pf_agent_lists_done(&agent->lists);
}
