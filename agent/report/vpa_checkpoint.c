// SPDX-License-Identifier: Apache-2.0
#include "report/vpa_checkpoint.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yajl/yajl_tree.h>

#include "base/parse.h"
#include "core/units.h"

/* The version that VPA writes, and the only one it reads. */
#define CHECKPOINT_VERSION "v3"

/* ---- writing ---- */

static void add_time(struct pf_buf *buf, int64_t at_ns)
{
	struct tm tm;
	char text[32];
	int64_t ns_per_s = (int64_t)PF_NS_PER_S;
	time_t seconds = (time_t)(at_ns / ns_per_s - (at_ns % ns_per_s < 0));

	if (at_ns == PF_VPA_NO_TIME || !gmtime_r(&seconds, &tm)) {
		pf_buf_adds(buf, "null");
		return;
	}
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	pf_buf_addf(buf, "\"%s\"", text);
}

static void add_hist(struct pf_buf *buf, const struct pf_vpa_hist_checkpoint *h)
{
	const char *separator = "";

	pf_buf_adds(buf, "{\"referenceTimestamp\":");
	add_time(buf, h->reference_ns);
	pf_buf_adds(buf, ",\"bucketWeights\":{");
	for (int i = 0; i < PF_VPA_NR_BUCKETS; i++) {
		if (!h->weight[i])
			continue;
		pf_buf_addf(buf, "%s\"%d\":%" PRIu32, separator, i, h->weight[i]);
		separator = ",";
	}
	pf_buf_addf(buf, "},\"totalWeight\":%.17g}", h->total);
}

int pf_vpa_checkpoint_format(const struct pf_vpa_checkpoint *c, int64_t updated_ns,
			     struct pf_buf *buf)
{
	pf_buf_adds(buf, "{\"lastUpdateTime\":");
	add_time(buf, updated_ns);
	pf_buf_adds(buf, ",\"version\":\"" CHECKPOINT_VERSION "\",\"cpuHistogram\":");
	add_hist(buf, &c->cpu);
	pf_buf_adds(buf, ",\"memoryHistogram\":");
	add_hist(buf, &c->memory);
	pf_buf_adds(buf, ",\"firstSampleStart\":");
	add_time(buf, c->first_ns);
	pf_buf_adds(buf, ",\"lastSampleStart\":");
	add_time(buf, c->last_ns);
	return pf_buf_addf(buf, ",\"totalSamplesCount\":%" PRId64 "}", c->nr_samples);
}

/* ---- reading ---- */

static yajl_val member(yajl_val object, const char *key)
{
	const char *path[] = { key, NULL };

	return YAJL_IS_OBJECT(object) ? yajl_tree_get(object, path, yajl_t_any) : NULL;
}

static const char *text_of(yajl_val v) /* "" if it is none */
{
	return YAJL_IS_STRING(v) ? v->u.string : "";
}

/* ".123456789", as many digits as there are; the rest of the text is given back. */
static const char *read_fraction(const char *text, int64_t *ns)
{
	int64_t unit = (int64_t)PF_NS_PER_S / 10;

	if (*text != '.')
		return text;
	for (text++; isdigit((unsigned char)*text); text++, unit /= 10)
		*ns += (*text - '0') * unit;
	return text;
}

static bool in_range(const struct tm *tm)
{
	/* 1970 to 2261: what fits 64 bits of ns, and more than VPA ever wrote. */
	return tm->tm_year >= 1970 && tm->tm_year <= 2261 && tm->tm_mon >= 1 && tm->tm_mon <= 12 &&
	       tm->tm_mday >= 1 && tm->tm_mday <= 31 && tm->tm_hour >= 0 && tm->tm_hour <= 23 &&
	       tm->tm_min >= 0 && tm->tm_min <= 59 && tm->tm_sec >= 0 && tm->tm_sec <= 60;
}

/* "Z", "+hh:mm" or "-hh:mm", in seconds east. */
static bool read_offset(const char *text, int *ret_seconds)
{
	int hours, minutes, used = 0;
	char sign;

	if (!strcmp(text, "Z")) {
		*ret_seconds = 0;
		return true;
	}
	if (sscanf(text, "%c%2d:%2d%n", &sign, &hours, &minutes, &used) != 3 ||
	    text[used] != '\0' || (sign != '+' && sign != '-') || hours < 0 || hours > 23 ||
	    minutes < 0 || minutes > 59)
		return false;
	*ret_seconds = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

static bool read_rfc3339(const char *text, int64_t *ret_ns)
{
	struct tm tm = { 0 };
	int used = 0, offset_s;
	int64_t ns = 0;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) != 6 ||
	    !in_range(&tm) || !read_offset(read_fraction(text + used, &ns), &offset_s))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ret_ns = (timegm(&tm) - offset_s) * (int64_t)PF_NS_PER_S + ns;
	return true;
}

/* null, absent and the year 1 are no time. */
static bool read_time(yajl_val v, int64_t *ret_ns)
{
	if (!v || YAJL_IS_NULL(v) || !strncmp(text_of(v), "0001-01-01T00:00:00", 19)) {
		*ret_ns = PF_VPA_NO_TIME;
		return true;
	}
	return read_rfc3339(text_of(v), ret_ns);
}

static const char *read_weights(yajl_val v, uint32_t *weights)
{
	if (!v || YAJL_IS_NULL(v))
		return NULL;
	if (!YAJL_IS_OBJECT(v))
		return "bucketWeights is not an object";
	for (size_t i = 0; i < YAJL_GET_OBJECT(v)->len; i++) {
		yajl_val weight = YAJL_GET_OBJECT(v)->values[i];
		uint64_t bucket;

		if (pf_parse_u64(YAJL_GET_OBJECT(v)->keys[i], &bucket) < 0 ||
		    bucket >= PF_VPA_NR_BUCKETS)
			return "a bucket index is not within 0..175";
		if (!YAJL_IS_INTEGER(weight) || YAJL_GET_INTEGER(weight) < 0 ||
		    YAJL_GET_INTEGER(weight) > (long long)UINT32_MAX)
			return "a bucket weight is not a 32-bit count";
		weights[bucket] = (uint32_t)YAJL_GET_INTEGER(weight);
	}
	return NULL;
}

static const char *read_hist(yajl_val v, struct pf_vpa_hist_checkpoint *h)
{
	yajl_val total = member(v, "totalWeight");

	if (!YAJL_IS_OBJECT(v))
		return "a histogram is missing or not an object";
	if (total &&
	    pf_parse_double(YAJL_IS_NUMBER(total) ? YAJL_GET_NUMBER(total) : "", &h->total) < 0)
		return "totalWeight is not a finite number";
	if (!(h->total >= 0))
		return "totalWeight is negative";
	if (!read_time(member(v, "referenceTimestamp"), &h->reference_ns))
		return "referenceTimestamp is not a time";
	return read_weights(member(v, "bucketWeights"), h->weight);
}

static const char *read_status(yajl_val status, struct pf_vpa_checkpoint *c)
{
	yajl_val version = member(status, "version"), count = member(status, "totalSamplesCount");
	const char *reason;

	if (strcmp(text_of(version), CHECKPOINT_VERSION) != 0)
		return "version is not " CHECKPOINT_VERSION;
	reason = read_hist(member(status, "cpuHistogram"), &c->cpu);
	if (!reason)
		reason = read_hist(member(status, "memoryHistogram"), &c->memory);
	if (reason)
		return reason;
	if (!read_time(member(status, "firstSampleStart"), &c->first_ns) ||
	    !read_time(member(status, "lastSampleStart"), &c->last_ns))
		return "firstSampleStart or lastSampleStart is not a time";
	if (count && (!YAJL_IS_INTEGER(count) || YAJL_GET_INTEGER(count) < 0))
		return "totalSamplesCount is not a count";
	c->nr_samples = count ? YAJL_GET_INTEGER(count) : 0;
	return NULL;
}

static void tree_freep(yajl_val *tree)
{
	yajl_tree_free(*tree);
}

int pf_vpa_checkpoint_parse(const char *text, size_t len, const char **ret_reason,
			    struct pf_vpa_checkpoint *ret_checkpoint)
{
	PF_AUTO(tree_freep) yajl_val root = NULL;
	PF_AUTO(pf_freep) char *copy = NULL;
	struct pf_vpa_checkpoint c = { 0 };
	const char *reason = "not JSON";
	char error[128];

	if (len > PF_VPA_CHECKPOINT_TEXT_MAX)
		return -E2BIG;
	copy = strndup(text, len);
	if (!copy)
		return -ENOMEM;
	root = yajl_tree_parse(copy, error, sizeof(error));
	if (root)
		reason = read_status(member(root, "status") ?: root, &c);
	if (reason) {
		if (ret_reason)
			*ret_reason = reason;
		return -EBADMSG;
	}
	*ret_checkpoint = c;
	return 0;
}
