// SPDX-License-Identifier: Apache-2.0
/*
 * demangle_rust.c - names of Rust: the old scheme, which borrows C++'s nested names, and v0 (RFC 2603,
 * https://doc.rust-lang.org/rustc/symbol-mangling/v0.html).
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/demangle_internal.h"

/* ---- old: _ZN (LENGTH NAME)... 17h HASH E ---- */

enum { HASH_LEN = 17 };

static bool is_hash(const char *name, size_t len)
{
	if (len != HASH_LEN || name[0] != 'h')
		return false;
	for (size_t i = 1; i < len; i++)
		if (!strchr("0123456789abcdef", name[i]))
			return false;
	return true;
}

/* $LT$ and the like, or $u20$: a character by number. */
static bool put_escape(struct demangle *d, const char *code, size_t len)
{
	static const struct {
		char code[4];
		const char *text;
	} escapes[] = { { "SP", "@" }, { "BP", "*" }, { "RF", "&" }, { "LT", "<" },
			{ "GT", ">" }, { "LP", "(" }, { "RP", ")" }, { "C", "," } };
	unsigned value = 0;
	char ch;

	for (size_t i = 0; i < PF_ARRAY_SIZE(escapes); i++) {
		if (strlen(escapes[i].code) == len && !memcmp(escapes[i].code, code, len)) {
			demangle_puts(d, escapes[i].text);
			return true;
		}
	}
	if (len < 2 || len > 3 || code[0] != 'u')
		return demangle_fail(d);
	for (size_t i = 1; i < len; i++) {
		const char *digit = strchr("0123456789abcdef", code[i]);

		if (!digit)
			return demangle_fail(d);
		value = value * 16 + (unsigned)(digit - "0123456789abcdef");
	}
	if (value < 0x20 || value > 0x7e)
		return demangle_fail(d);
	ch = (char)value;
	demangle_put(d, &ch, 1);
	return true;
}

static bool put_component(struct demangle *d, const char *name, size_t len)
{
	size_t i = len > 2 && name[0] == '_' && name[1] == '$';

	while (i < len) {
		if (name[i] == '$') {
			const char *end = memchr(name + i + 1, '$', len - i - 1);

			if (!end || !put_escape(d, name + i + 1, (size_t)(end - name) - i - 1))
				return demangle_fail(d);
			i = (size_t)(end - name) + 1;
		} else if (name[i] == '.' && i + 1 < len && name[i + 1] == '.') {
			demangle_puts(d, "::");
			i += 2;
		} else {
			demangle_put(d, name + i++, 1);
		}
	}
	return true;
}

bool demangle_rust_legacy(struct demangle *d)
{
	if (!demangle_take(d, "_ZN"))
		return false;
	for (bool first = true;; first = false) {
		size_t len;

		if (!demangle_number(d, &len) || len > (size_t)(d->end - d->at))
			return false;
		if (is_hash(d->at, len) && d->at + len + 1 == d->end && d->at[len] == 'E')
			return !first;
		if (!first)
			demangle_puts(d, "::");
		if (!put_component(d, d->at, len))
			return false;
		d->at += len;
	}
}

/* ---- v0 ---- */

static bool parse_path(struct demangle *d, bool in_value);
static bool parse_type(struct demangle *d);

/* A step for what is no path and no type: back references read lists of constants over and over. */
static bool step(struct demangle *d)
{
	if (!demangle_enter(d))
		return false;
	demangle_leave(d);
	return true;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'Z' ? c - 'A' + 36 : -1;
}

/* Digits in base 62 up to "_": "_" is 0, "0_" is 1. */
static bool parse_base_62(struct demangle *d, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool any = false;

	for (; demangle_peek(d) != '_'; d->at++, any = true) {
		int digit = digit_of(demangle_peek(d));

		if (digit < 0 || value > UINT64_MAX / 64)
			return demangle_fail(d);
		value = value * 62 + (uint64_t)digit;
	}
	d->at++;
	*ret_value = any ? value + 1 : 0;
	return true;
}

static bool skip_disambiguator(struct demangle *d)
{
	uint64_t value;

	return !demangle_take(d, "s") || parse_base_62(d, &value);
}

/* [u] LENGTH [_] NAME. Names outside ASCII (punycode) are left as they are written. */
static bool parse_identifier(struct demangle *d)
{
	size_t len;

	(void)demangle_take(d, "u");
	if (!demangle_number(d, &len))
		return false;
	(void)demangle_take(d, "_");
	if (len > (size_t)(d->end - d->at))
		return demangle_fail(d);
	demangle_put(d, d->at, len);
	d->at += len;
	return true;
}

/* B OFFSET: what stands at that place, counted from behind "_R". */
static bool parse_reference(struct demangle *d, bool (*parse)(struct demangle *d))
{
	const char *here = d->at, *back;
	uint64_t offset;
	bool ok;

	if (!step(d) || !demangle_take(d, "B") || !parse_base_62(d, &offset))
		return demangle_fail(d);
	if (offset >= (uint64_t)(here - d->start - 2))
		return demangle_fail(d); /* only backwards */
	back = d->at;
	d->at = d->start + 2 + offset;
	ok = parse(d);
	d->at = back;
	return ok;
}

static bool parse_path_in_type(struct demangle *d)
{
	return parse_path(d, false);
}

static bool parse_path_in_value(struct demangle *d)
{
	return parse_path(d, true);
}

/* TYPE HEXADECIMAL _, or a placeholder */
static bool parse_const(struct demangle *d)
{
	uint64_t value = 0;
	char type = demangle_peek(d), text[24];
	bool minus;

	if (demangle_take(d, "p")) {
		demangle_puts(d, "_");
		return true;
	}
	if (type == 'B')
		return parse_reference(d, parse_const);
	if (!type || !strchr("abcdefhijlmnostuxyz", type))
		return demangle_fail(d);
	d->at++;
	minus = demangle_take(d, "n");
	for (; demangle_peek(d) != '_'; d->at++) {
		int digit = digit_of(demangle_peek(d));

		if (digit < 0 || digit > 15 || value > UINT64_MAX / 32)
			return demangle_fail(d);
		value = value * 16 + (uint64_t)digit;
	}
	d->at++;
	if (type == 'b')
		(void)snprintf(text, sizeof(text), "%s", value ? "true" : "false");
	else
		(void)snprintf(text, sizeof(text), "%s%llu", minus ? "-" : "",
			       (unsigned long long)value);
	demangle_puts(d, text);
	return true;
}

static bool parse_arg(struct demangle *d)
{
	uint64_t lifetime;

	if (demangle_take(d, "L")) {
		demangle_puts(d, "'_");
		return parse_base_62(d, &lifetime);
	}
	if (demangle_take(d, "K"))
		return parse_const(d);
	return parse_type(d);
}

/* PARSED... E, separated by commas. */
static bool parse_list(struct demangle *d, bool (*parse)(struct demangle *d))
{
	for (bool first = true; !demangle_take(d, "E"); first = false) {
		if (!first)
			demangle_puts(d, ", ");
		if (!step(d) || !demangle_peek(d) || !parse(d))
			return demangle_fail(d);
	}
	return true;
}

/* I PATH ARGUMENTS E; in a function's name Rust writes "::<...>". */
static bool parse_generic(struct demangle *d, bool in_value)
{
	bool ok;

	if (!parse_path(d, in_value))
		return false;
	demangle_puts(d, in_value ? "::<" : "<");
	if (d->short_args) {
		demangle_puts(d, "...");
		d->muted++;
	}
	ok = parse_list(d, parse_arg);
	if (d->short_args)
		d->muted--;
	demangle_puts(d, ">");
	return ok;
}

/* [s DISAMBIGUATOR] PATH of an implementation, which is not part of how it is called. */
static bool skip_impl_path(struct demangle *d)
{
	bool ok;

	d->muted++;
	ok = skip_disambiguator(d) && parse_path(d, false);
	d->muted--;
	return ok;
}

/* N NAMESPACE PATH IDENTIFIER */
static bool parse_nested(struct demangle *d, bool in_value)
{
	char space = demangle_peek(d);
	uint64_t number = 0;
	char text[32];

	if (digit_of(space) < 10)
		return demangle_fail(d);
	d->at++;
	if (!parse_path(d, in_value))
		return false;
	if (demangle_take(d, "s")) {
		if (!parse_base_62(d, &number))
			return false;
		number++;
	}
	demangle_puts(d, "::");
	if (space >= 'a') /* an ordinary one: types, values */
		return parse_identifier(d);
	demangle_puts(d, space == 'C' ? "{closure" : space == 'S' ? "{shim" : "{special");
	if (demangle_peek(d) != '0') {
		demangle_puts(d, ":");
		if (!parse_identifier(d))
			return false;
	} else {
		d->at++;
	}
	(void)snprintf(text, sizeof(text), "#%llu}", (unsigned long long)number);
	demangle_puts(d, text);
	return true;
}

static bool path_of(struct demangle *d, bool in_value)
{
	char tag = demangle_peek(d);

	if (tag == 'B')
		return parse_reference(d, in_value ? parse_path_in_value : parse_path_in_type);
	d->at += tag != '\0';
	switch (tag) {
	case 'C': /* a crate */
		return skip_disambiguator(d) && parse_identifier(d);
	case 'N':
		return parse_nested(d, in_value);
	case 'M': /* <TYPE> */
		if (!skip_impl_path(d))
			return false;
		demangle_puts(d, "<");
		if (!parse_type(d))
			return false;
		break;
	case 'X': /* <TYPE as TRAIT> */
		if (!skip_impl_path(d))
			return false;
		/* fallthrough */
	case 'Y':
		demangle_puts(d, "<");
		if (!parse_type(d))
			return false;
		demangle_puts(d, " as ");
		if (!parse_path(d, false))
			return false;
		break;
	case 'I':
		return parse_generic(d, in_value);
	default:
		return demangle_fail(d);
	}
	demangle_puts(d, ">");
	return true;
}

static bool parse_path(struct demangle *d, bool in_value)
{
	bool ok;

	if (!demangle_enter(d))
		return false;
	ok = path_of(d, in_value);
	demangle_leave(d);
	return ok && !d->failed;
}

/* [G binder] [U] [K abi] TYPES E RETURN */
static bool parse_function(struct demangle *d)
{
	uint64_t binder;

	if (demangle_take(d, "G") && !parse_base_62(d, &binder))
		return false;
	if (demangle_take(d, "U"))
		demangle_puts(d, "unsafe ");
	if (demangle_take(d, "K")) {
		demangle_puts(d, "extern ");
		if (demangle_take(d, "C"))
			demangle_puts(d, "\"C\" ");
		else if (!parse_identifier(d))
			return false;
		else
			demangle_puts(d, " ");
	}
	demangle_puts(d, "fn(");
	if (!parse_list(d, parse_type))
		return false;
	demangle_puts(d, ")");
	if (demangle_take(d, "u"))
		return true;
	demangle_puts(d, " -> ");
	return parse_type(d);
}

/* TRAIT [p NAME TYPE]... */
static bool parse_bound(struct demangle *d)
{
	if (!parse_path(d, false))
		return false;
	while (demangle_take(d, "p")) {
		demangle_puts(d, "<");
		if (!parse_identifier(d))
			return false;
		demangle_puts(d, " = ");
		if (!parse_type(d))
			return false;
		demangle_puts(d, ">");
	}
	return true;
}

static bool parse_bounds(struct demangle *d)
{
	uint64_t value;

	demangle_puts(d, "dyn ");
	if (demangle_take(d, "G") && !parse_base_62(d, &value))
		return false;
	for (bool first = true; !demangle_take(d, "E"); first = false) {
		if (!first)
			demangle_puts(d, " + ");
		if (!demangle_peek(d) || !parse_bound(d))
			return demangle_fail(d);
	}
	return demangle_take(d, "L") ? parse_base_62(d, &value) : demangle_fail(d);
}

static bool put_basic(struct demangle *d, char tag)
{
	static const struct {
		char tag;
		const char *text;
	} basics[] = {
		{ 'a', "i8" },	{ 'b', "bool" }, { 'c', "char" },  { 'd', "f64" },   { 'e', "str" },
		{ 'f', "f32" }, { 'h', "u8" },	 { 'i', "isize" }, { 'j', "usize" }, { 'l', "i32" },
		{ 'm', "u32" }, { 'n', "i128" }, { 'o', "u128" },  { 's', "i16" },   { 't', "u16" },
		{ 'u', "()" },	{ 'v', "..." },	 { 'x', "i64" },   { 'y', "u64" },   { 'z', "!" },
		{ 'p', "_" },
	};

	for (size_t i = 0; i < PF_ARRAY_SIZE(basics); i++) {
		if (basics[i].tag != tag)
			continue;
		d->at++;
		demangle_puts(d, basics[i].text);
		return true;
	}
	return false;
}

static bool parse_pointer(struct demangle *d, char tag)
{
	uint64_t lifetime;

	demangle_puts(d, tag == 'R'   ? "&"
			 : tag == 'Q' ? "&mut "
			 : tag == 'P' ? "*const "
				      : "*mut ");
	if ((tag == 'R' || tag == 'Q') && demangle_take(d, "L") && !parse_base_62(d, &lifetime))
		return false;
	return parse_type(d);
}

static bool type_of(struct demangle *d)
{
	char tag = demangle_peek(d);

	if (put_basic(d, tag))
		return true;
	if (tag == 'B')
		return parse_reference(d, parse_type);
	if (!tag || !strchr("RQPOASTFD", tag))
		return parse_path(d, false);
	d->at++;
	switch (tag) {
	case 'A':
		demangle_puts(d, "[");
		if (!parse_type(d))
			return false;
		demangle_puts(d, "; ");
		if (!parse_const(d))
			return false;
		demangle_puts(d, "]");
		return true;
	case 'S':
		demangle_puts(d, "[");
		if (!parse_type(d))
			return false;
		demangle_puts(d, "]");
		return true;
	case 'T':
		demangle_puts(d, "(");
		if (!parse_list(d, parse_type))
			return false;
		demangle_puts(d, ")");
		return true;
	case 'F':
		return parse_function(d);
	case 'D':
		return parse_bounds(d);
	default:
		return parse_pointer(d, tag);
	}
}

static bool parse_type(struct demangle *d)
{
	bool ok;

	if (!demangle_enter(d))
		return false;
	ok = type_of(d);
	demangle_leave(d);
	return ok && !d->failed;
}

bool demangle_rust_v0(struct demangle *d)
{
	return demangle_take(d, "_R") && parse_path(d, true);
}
