// SPDX-License-Identifier: Apache-2.0
/*
 * demangle.c - which scheme a name is of, and how long its translation may be.
 */
#include "base/demangle.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/demangle_internal.h"

bool demangle_fail(struct demangle *d)
{
	d->failed = true;
	return false;
}

bool demangle_enter(struct demangle *d)
{
	if (d->failed || d->depth == DEMANGLE_DEPTH || d->steps == DEMANGLE_STEPS)
		return demangle_fail(d);
	d->depth++;
	d->steps++;
	return true;
}

void demangle_leave(struct demangle *d)
{
	d->depth--;
}

char demangle_peek(const struct demangle *d)
{
	return d->at < d->end ? *d->at : '\0';
}

bool demangle_take(struct demangle *d, const char *token)
{
	size_t len = strlen(token);

	if ((size_t)(d->end - d->at) < len || memcmp(d->at, token, len) != 0)
		return false;
	d->at += len;
	return true;
}

void demangle_put(struct demangle *d, const char *text, size_t len)
{
	if (d->failed || d->muted)
		return;
	if (len >= sizeof(d->text) - d->len) {
		(void)demangle_fail(d);
		return;
	}
	memcpy(d->text + d->len, text, len);
	d->len += len;
	d->text[d->len] = '\0';
}

void demangle_puts(struct demangle *d, const char *text)
{
	demangle_put(d, text, strlen(text));
}

void demangle_insert(struct demangle *d, size_t at, const char *text)
{
	size_t len = strlen(text);

	if (d->failed || d->muted)
		return;
	if (len >= sizeof(d->text) - d->len) {
		(void)demangle_fail(d);
		return;
	}
	memmove(d->text + at + len, d->text + at, d->len - at + 1);
	memcpy(d->text + at, text, len);
	d->len += len;
}

bool demangle_number(struct demangle *d, size_t *ret_value)
{
	size_t value = 0;
	const char *first = d->at;

	while (demangle_peek(d) >= '0' && demangle_peek(d) <= '9') {
		value = value * 10 + (size_t)(*d->at++ - '0');
		if (value > PF_DEMANGLE_INPUT_MAX)
			return demangle_fail(d);
	}
	if (d->at == first)
		return demangle_fail(d);
	*ret_value = value;
	return true;
}

static bool translate(struct demangle *d, const char *name, const char *end, bool short_args)
{
	static bool (*const schemes[])(struct demangle *) = { demangle_rust_legacy, demangle_cxx,
							      demangle_rust_v0 };

	for (size_t i = 0; i < PF_ARRAY_SIZE(schemes); i++) {
		*d = (struct demangle){
			.start = name, .at = name, .end = end, .short_args = short_args
		};
		if (schemes[i](d) && !d->failed && d->len)
			return true;
	}
	return false;
}

bool pf_demangle(const char *name, char *ret_text, size_t size)
{
	struct demangle d;
	size_t len = strnlen(name, PF_DEMANGLE_INPUT_MAX);
	const char *end = name + strcspn(name, "."), *suffix = end;

	if (len == PF_DEMANGLE_INPUT_MAX || name[0] != '_' || (name[1] != 'Z' && name[1] != 'R'))
		return false;
	/* Old Rust names may hold dots of their own, and end in E. */
	if (name[1] == 'Z' && *suffix) {
		const char *hash = strstr(name, "17h");

		if (hash && hash + 20 <= name + len && hash[19] == 'E' && hash > suffix)
			end = suffix = hash + 20;
	}
	if (!translate(&d, name, end, false))
		return false;
	if (d.len + strlen(suffix) >= size && !translate(&d, name, end, true))
		return false;
	if (snprintf(ret_text, size, "%s%s", d.text, suffix) >= (int)size)
		memcpy(ret_text + size - 4, "...", 4);
	return true;
}
