// SPDX-License-Identifier: Apache-2.0
#include "collector/api/reply.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "collector/ingest/gunzip.h"
#include "core/evidence.h"
#include "core/units.h"
#include "wire/wire.h"

enum { COMPRESS_FROM = 1400 }; /* bytes; less fits into a packet anyway */

const char *pf_reply_unmerged(struct pf_collector *c, const struct pf_fleet *fleet)
{
	unsigned long long first_ns = atomic_load(&c->first_stored_ns);

	if (!fleet)
		return "the stored reports are still being merged; try again in a moment";
	if (!fleet->nr_workloads && first_ns && fleet->at_unix_ns <= first_ns)
		return "the first reports have come in, but are not merged yet; try again in a moment";
	return NULL;
}

bool pf_reply_is_behind(struct pf_collector *c, const struct pf_fleet *fleet)
{
	return atomic_load(&c->newest_stored_ns) >= fleet->at_unix_ns;
}

struct pf_fleet *pf_reply_fleet(struct pf_collector *c, struct pf_http_request *req)
{
	PF_AUTO(pf_fleet_unrefp) struct pf_fleet *fleet = pf_merger_fleet(c->merger);
	const char *known = pf_http_header(req, "If-None-Match");
	const char *accept = pf_http_header(req, "Accept");
	char etag[64];

	const char *unmerged = pf_reply_unmerged(c, fleet);

	if (unmerged) {
		pf_http_reply_header(req, "Retry-After", "1");
		pf_http_reply_error(req, 503, "%s", unmerged);
		return NULL;
	}
	/* The picture's number begins anew with every start, so the start is part of it. */
	(void)snprintf(etag, sizeof(etag), "W/\"%llx-%llx%s-%llx\"",
		       (unsigned long long)c->started_unix_ms, (unsigned long long)fleet->serial,
		       pf_reply_is_behind(c, fleet) ? "b" : "",
		       (unsigned long long)(pf_evidence_instance_id(pf_http_target(req)) ^
					    pf_evidence_instance_id(accept ? accept : "")));
	pf_http_reply_header(req, "ETag", etag);
	pf_http_reply_header(req, "Cache-Control", "private, no-cache");
	pf_http_reply_header(req, "Vary", "Accept, Accept-Encoding");
	if (known && strstr(known, etag)) {
		pf_http_reply(req, 304, NULL, NULL, 0);
		return NULL;
	}
	return pf_take(fleet);
}

static bool takes_gzip(const struct pf_http_request *req)
{
	const char *encodings = pf_http_header(req, "Accept-Encoding");

	return encodings && strstr(encodings, "gzip") && !strstr(encodings, "gzip;q=0");
}

void pf_reply_buf(struct pf_http_request *req, const char *content_type, struct pf_buf *body)
{
	struct pf_buf packed;
	size_t len;

	if (body->err) {
		pf_buf_done(body);
		pf_http_reply_error(req, 500, "the answer does not fit into memory; ask for less");
		return;
	}
	pf_buf_init(&packed, PF_ANSWER_MAX);
	if (body->len >= COMPRESS_FROM && takes_gzip(req) &&
	    pf_gzip(body->data, body->len, &packed) == 0) {
		pf_http_reply_header(req, "Content-Encoding", "gzip");
		pf_buf_done(body);
		*body = packed;
		pf_buf_init(&packed, 0);
	}
	pf_buf_done(&packed);
	len = body->len;
	pf_http_reply(req, 200, content_type, pf_buf_steal(body), len);
}

bool pf_reply_wants_protobuf(const struct pf_http_request *req)
{
	const char *accept = pf_http_header(req, "Accept");
	const char *format = pf_http_query(req, "format");

	if (format && *format)
		return !strcmp(format, "protobuf");
	return accept && strstr(accept, "application/x-protobuf");
}

void pf_reply_row(const struct pf_fleet_workload *w, char href[PF_HREF_MAX],
		  struct pf_view_row *ret_row)
{
	*ret_row = (struct pf_view_row){
		.name = { .cluster = w->key.cluster,
			  .namespace_name = w->key.namespace_name,
			  .workload = w->key.workload,
			  .container = w->key.container,
			  .kind = w->key.kind,
			  .node_class = w->key.node_class },
		.type = w->identity ? w->identity->type : PF_CONTAINER_MAIN,
		.nr_instances = w->nr_instances,
		.nr_nodes = w->nr_nodes,
		.present = &w->present,
		.rec = &w->recommendation,
		.leak = w->leak.worst,
	};
	pf_view_href(&ret_row->name, href, PF_HREF_MAX);
	ret_row->href = *href ? href : NULL;
}

static int add_spark(struct pf_arena *arena, const struct pf_fleet_workload *w,
		     struct pf_view_row *row)
{
	struct pf_svg_point *points;
	size_t nr = 0;

	if (!w->spark)
		return 0;
	points = pf_arena_array(arena, PF_FLEET_SPARK, sizeof(*points));
	if (!points)
		return -ENOMEM;
	for (uint32_t i = 0; i < PF_FLEET_SPARK; i++)
		if (!isnan(w->spark[i]))
			points[nr++] = (struct pf_svg_point){
				(double)(w->spark_hour + 1 + i - PF_FLEET_SPARK) * 3600,
				(double)w->spark[i]
			};
	row->demand = points;
	row->nr_demand = nr;
	return 0;
}

int pf_reply_rows(struct pf_arena *arena, const struct pf_fleet_workload *const *list, size_t nr,
		  struct pf_view_row **ret_rows)
{
	struct pf_view_row *rows = pf_arena_array(arena, nr + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		char href[PF_HREF_MAX];
		int r;

		pf_reply_row(list[i], href, &rows[i]);
		if (rows[i].href)
			rows[i].href = pf_arena_strdup(arena, href);
		r = add_spark(arena, list[i], &rows[i]);
		if (r < 0)
			return r;
	}
	*ret_rows = rows;
	return arena->err;
}

/* ---- as a report ---- */

static const struct pf_fleet_info *fleet_info(struct pf_arena *arena,
					      const struct pf_fleet_workload *w)
{
	struct pf_fleet_info *info = pf_arena_alloc(arena, sizeof(*info));

	if (!info)
		return NULL;
	*info = (struct pf_fleet_info){
		.cluster = w->key.cluster,
		.node_class = w->key.node_class,
		.nr_instances = w->nr_instances,
		.nr_nodes = w->nr_nodes,
		.first_unix_ns = w->first_unix_ns,
		.last_unix_ns = w->last_unix_ns,
		.usage_now_millicores = w->usage_now_millicores,
		.hot_now_bytes = w->hot_now_bytes,
		.nr_leaking_instances = w->leak.nr_instances,
		.nr_leaking_nodes = w->leak.nr_nodes,
		.leak_slope_min = w->leak.slope_min,
		.leak_slope_max = w->leak.slope_max,
		.leak_slope_mean = w->leak.slope_mean,
		.leaking_nodes = w->leak.nodes,
		.nr_leaking_named = w->leak.nr_nodes_named,
		.worst_leak_node = w->leak.worst_node ? w->leak.worst_node : "",
		.worst_leak_pod = w->leak.worst_pod ? w->leak.worst_pod : "",
	};
	return info;
}

/* A workload as a container of a NodeReport. @arena: for what is not in the picture. */
static int container_of_workload(struct pf_arena *arena, const struct pf_fleet_workload *w,
				 struct pf_report_container *ret_container)
{
	struct pf_identity *identity = pf_arena_alloc(arena, sizeof(*identity));

	if (!identity)
		return -ENOMEM;
	if (w->identity)
		*identity = *w->identity;
	else
		identity->spec = identity->actual = identity->pod_level = w->present;
	/* It stands for all instances, not for the newest. */
	identity->pod[0] = identity->pod_uid[0] = identity->container_id[0] = '\0';
	identity->restart_count = 0;
	identity->workload_kind = w->key.kind;
	(void)snprintf(identity->namespace_name, sizeof(identity->namespace_name), "%s",
		       w->key.namespace_name);
	(void)snprintf(identity->workload, sizeof(identity->workload), "%s", w->key.workload);
	(void)snprintf(identity->container, sizeof(identity->container), "%s", w->key.container);
	pf_report_container_clear(ret_container);
	ret_container->identity = identity;
	ret_container->recommendation = &w->recommendation;
	ret_container->leak = w->leak.worst;
	ret_container->runtime_kind = w->runtime_kind;
	ret_container->executable = w->executable;
	ret_container->fleet = fleet_info(arena, w);
	return arena->err;
}

int pf_reply_report(const struct pf_fleet *fleet, const struct pf_fleet_workload *const *list,
		    size_t nr, struct pf_buf *out)
{
	PF_AUTO(pf_arena_done) struct pf_arena arena;
	struct pf_report_container *containers;
	struct pf_report report;

	pf_arena_init(&arena, PF_ANSWER_MAX);
	containers = pf_arena_array(&arena, nr + 1, sizeof(*containers));
	if (!containers)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		int r = container_of_workload(&arena, list[i], &containers[i]);

		if (r < 0)
			return r;
	}
	pf_report_clear(&report);
	report.agent_version = PF_VERSION;
	report.end_unix_ns = fleet->at_unix_ns;
	report.containers = containers;
	report.nr_containers = nr;
	return pf_wire_encode_report(&report, out);
}
