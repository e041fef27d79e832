// SPDX-License-Identifier: Apache-2.0
#include "policy/decode.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/parse.h"
#include "core/units.h"

static int unknown_key(const struct pf_yaml *member, const struct pf_field *fields,
		       struct pf_yaml_error *error)
{
	struct pf_yaml at_key = *member;
	char known[160] = "";
	size_t len = 0;

	for (const struct pf_field *f = fields; f->key && len < sizeof(known); f++)
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "",
					f->key);
	at_key.line = member->key_line;
	at_key.column = member->key_column;
	return pf_yaml_fail(error, &at_key, "no such key: %.40s (there are: %s%s)", member->key,
			    known, len >= sizeof(known) ? "..." : "");
}

int pf_decode_is(const struct pf_yaml *node, enum pf_yaml_kind kind, const char *what,
		 struct pf_yaml_error *error)
{
	static const char *const kinds[] = { "one value", "a list", "a mapping" };

	if (node->kind == kind)
		return 0;
	return pf_yaml_fail(error, node, "%.40s is %s, not %s", what, kinds[kind],
			    kinds[node->kind]);
}

static int out_of_range(const struct pf_yaml *node, const struct pf_field *f, const char *unit,
			struct pf_yaml_error *error)
{
	return pf_yaml_fail(error, node, "%s: %.40s is not within %g%s to %g%s", f->key, node->text,
			    f->min, unit, f->max, unit);
}

static int decode_number(const struct pf_yaml *node, const struct pf_field *f, double *to,
			 struct pf_yaml_error *error)
{
	double value;

	if (pf_parse_double(node->text, &value) < 0)
		return pf_yaml_fail(error, node, "%s: %.40s is not a number", f->key, node->text);
	if (value < f->min || value > f->max)
		return out_of_range(node, f, "", error);
	*to = value;
	return 0;
}

static int decode_count(const struct pf_yaml *node, const struct pf_field *f, int64_t *to,
			struct pf_yaml_error *error)
{
	int64_t value;

	if (pf_parse_i64(node->text, &value) < 0)
		return pf_yaml_fail(error, node, "%s: %.40s is not a whole number", f->key,
				    node->text);
	if ((double)value < f->min || (double)value > f->max)
		return out_of_range(node, f, "", error);
	*to = value;
	return 0;
}

static int decode_choice(const struct pf_yaml *node, const struct pf_field *f, int *to,
			 struct pf_yaml_error *error)
{
	char known[160] = "";
	size_t len = 0;

	for (int i = 0; f->choices[i]; i++) {
		if (!strcmp(f->choices[i], node->text)) {
			*to = i;
			return 0;
		}
		if (len < sizeof(known))
			len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s",
						i ? ", " : "", f->choices[i]);
	}
	return pf_yaml_fail(error, node, "%s: %.40s is none of %s", f->key, node->text, known);
}

static int decode_duration(const struct pf_yaml *node, const struct pf_field *f, double unit_ns,
			   const char *unit, double *to, struct pf_yaml_error *error)
{
	uint64_t ns;

	if (pf_parse_duration(node->text, &ns) < 0)
		return pf_yaml_fail(error, node,
				    "%s: %.40s is not a duration such as 30s, 12h or 7d", f->key,
				    node->text);
	if ((double)ns / unit_ns < f->min || (double)ns / unit_ns > f->max)
		return out_of_range(node, f, unit, error);
	*to = (double)ns;
	return 0;
}

static int decode_quantity(const struct pf_yaml *node, const struct pf_field *f, uint64_t *to,
			   struct pf_yaml_error *error)
{
	int r = f->type == PF_FIELD_CPU ? pf_parse_cpu_quantity(node->text, to)
					: pf_parse_memory_quantity(node->text, to);

	if (r < 0)
		return pf_yaml_fail(error, node, "%s: %.40s is not a quantity such as %s", f->key,
				    node->text,
				    f->type == PF_FIELD_CPU ? "250m or 1.5" : "512Mi or 2Gi");
	return 0;
}

static int decode_scalar(const struct pf_yaml *node, const struct pf_field *f, void *to,
			 struct pf_yaml_error *error)
{
	double ns = 0;
	int r;

	switch (f->type) {
	case PF_FIELD_NUMBER:
		return decode_number(node, f, to, error);
	case PF_FIELD_COUNT:
		return decode_count(node, f, to, error);
	case PF_FIELD_BOOL:
		if (pf_parse_bool(node->text, to) < 0)
			return pf_yaml_fail(error, node, "%s: %.40s is neither true nor false",
					    f->key, node->text);
		return 0;
	case PF_FIELD_TEXT:
		*(const char **)to = node->text;
		return 0;
	case PF_FIELD_CHOICE:
		return decode_choice(node, f, to, error);
	case PF_FIELD_CPU:
	case PF_FIELD_MEMORY:
		return decode_quantity(node, f, to, error);
	case PF_FIELD_HOURS:
		r = decode_duration(node, f, (double)PF_NS_PER_HOUR, "h", &ns, error);
		if (r == 0)
			*(double *)to = ns / (double)PF_NS_PER_HOUR;
		return r;
	case PF_FIELD_NS:
		r = decode_duration(node, f, (double)PF_NS_PER_S, "s", &ns, error);
		if (r == 0)
			*(int64_t *)to = (int64_t)ns;
		return r;
	default:
		return 0;
	}
}

int pf_decode(const struct pf_yaml *mapping, const struct pf_field *fields, void *object,
	      struct pf_yaml_error *error)
{
	int r = 0;

	pf_yaml_for_each(mapping, member)
	{
		const struct pf_field *f = fields;

		while (f->key && strcmp(f->key, member->key) != 0)
			f++;
		if (!f->key)
			return unknown_key(member, fields, error);
		if (f->type == PF_FIELD_OTHER ||
		    member->is_null) /* a key without a value sets nothing */
			continue;
		r = pf_decode_is(member,
				 f->type == PF_FIELD_PART ? PF_YAML_MAPPING : PF_YAML_SCALAR,
				 f->key, error);
		if (r == 0 && f->type == PF_FIELD_PART)
			r = pf_decode(member, f->part, object, error);
		else if (r == 0)
			r = decode_scalar(member, f, (char *)object + f->offset, error);
		if (r < 0)
			return r;
	}
	return 0;
}
