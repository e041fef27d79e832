/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode.h - a YAML mapping into a struct, by a table: types, ranges, unknown keys.
 */
#ifndef PF_POLICY_DECODE_H
#define PF_POLICY_DECODE_H

#include <stddef.h>

#include "policy/yaml.h"

enum pf_field_type {
	PF_FIELD_NUMBER, /* double within min..max */
	PF_FIELD_COUNT,	 /* int64_t within min..max */
	PF_FIELD_BOOL,	 /* bool */
	PF_FIELD_TEXT,	 /* const char *, in the arena of the tree */
	PF_FIELD_CHOICE, /* int: index into choices */
	PF_FIELD_CPU,	 /* uint64_t millicores, a Kubernetes quantity */
	PF_FIELD_MEMORY, /* uint64_t bytes, a Kubernetes quantity */
	PF_FIELD_HOURS,	 /* double, written as a duration ("24h", "7d") within min..max hours */
	PF_FIELD_NS,	 /* int64_t, written as a duration within min..max seconds */
	PF_FIELD_PART,	 /* a mapping into the same struct, by the table in part */
	PF_FIELD_OTHER,	 /* known key, read elsewhere */
};

struct pf_field {
	const char *key;
	enum pf_field_type type;
	size_t offset;
	double min, max;
	const char *const *choices;  /* ends with NULL */
	const struct pf_field *part; /* ends with a NULL key */
};

/**
 * pf_decode() - every member of @mapping into @object.
 * @fields: ends with a NULL key. A member that is none of them is an error, which names the keys there are.
 * Return: 0; -EINVAL with *@error.
 */
PF_MUST_CHECK int pf_decode(const struct pf_yaml *mapping, const struct pf_field *fields,
			    void *object, struct pf_yaml_error *error);

/** pf_decode_is() - complains unless @node is of @kind. @what: "classes", for the message. */
PF_MUST_CHECK int pf_decode_is(const struct pf_yaml *node, enum pf_yaml_kind kind, const char *what,
			       struct pf_yaml_error *error);

#endif
