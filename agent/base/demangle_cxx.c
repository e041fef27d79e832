// SPDX-License-Identifier: Apache-2.0
/*
 * demangle_cxx.c - names of the Itanium C++ ABI: https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling.
 *
 * What a name refers back to is kept as text: a substitution costs as much as its length, however often it is nested.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/demangle_internal.h"

enum { PLACES_MAX = 128, ARGS_MAX = 16, POOL_BYTES = 16384, NO_PAREN = -1 };

struct span {
	uint16_t start, len; /* in the pool */
};

struct cxx {
	struct demangle *d;
	struct span place[PLACES_MAX]; /* what S_, S0_, ... stand for */
	size_t nr_places;
	struct span arg[ARGS_MAX]; /* what T_, T0_, ... stand for: the innermost complete list */
	size_t nr_args;
	size_t pool_len;
	char pool[POOL_BYTES];
	size_t last; /* where the text of the last component begins: constructors repeat it */
	size_t last_len;
};

static const struct {
	char code[3];
	const char *text;
} operators[] = {
	{ "nw", "new" },      { "na", "new[]" }, { "dl", "delete" }, { "da", "delete[]" },
	{ "aw", "co_await" }, { "ps", "+" },	 { "ng", "-" },	     { "ad", "&" },
	{ "de", "*" },	      { "co", "~" },	 { "pl", "+" },	     { "mi", "-" },
	{ "ml", "*" },	      { "dv", "/" },	 { "rm", "%" },	     { "an", "&" },
	{ "or", "|" },	      { "eo", "^" },	 { "aS", "=" },	     { "pL", "+=" },
	{ "mI", "-=" },	      { "mL", "*=" },	 { "dV", "/=" },     { "rM", "%=" },
	{ "aN", "&=" },	      { "oR", "|=" },	 { "eO", "^=" },     { "ls", "<<" },
	{ "rs", ">>" },	      { "lS", "<<=" },	 { "rS", ">>=" },    { "eq", "==" },
	{ "ne", "!=" },	      { "lt", "<" },	 { "gt", ">" },	     { "le", "<=" },
	{ "ge", ">=" },	      { "ss", "<=>" },	 { "nt", "!" },	     { "aa", "&&" },
	{ "oo", "||" },	      { "pp", "++" },	 { "mm", "--" },     { "cm", "," },
	{ "pm", "->*" },      { "pt", "->" },	 { "cl", "()" },     { "ix", "[]" },
	{ "qu", "?" },
};

static const struct {
	char code[3];
	const char *text;
} builtins[] = {
	{ "v", "void" },
	{ "w", "wchar_t" },
	{ "b", "bool" },
	{ "c", "char" },
	{ "a", "signed char" },
	{ "h", "unsigned char" },
	{ "s", "short" },
	{ "t", "unsigned short" },
	{ "i", "int" },
	{ "j", "unsigned int" },
	{ "l", "long" },
	{ "m", "unsigned long" },
	{ "x", "long long" },
	{ "y", "unsigned long long" },
	{ "n", "__int128" },
	{ "o", "unsigned __int128" },
	{ "f", "float" },
	{ "d", "double" },
	{ "e", "long double" },
	{ "g", "__float128" },
	{ "z", "..." },
	{ "Dd", "decimal64" },
	{ "De", "decimal128" },
	{ "Df", "decimal32" },
	{ "Dh", "half" },
	{ "Di", "char32_t" },
	{ "Ds", "char16_t" },
	{ "Du", "char8_t" },
	{ "Da", "auto" },
	{ "Dc", "decltype(auto)" },
	{ "Dn", "decltype(nullptr)" },
};

static const struct {
	char code;
	const char *text, *last; /* last component, which a constructor repeats */
} standard[] = {
	{ 'a', "std::allocator", "allocator" },	  { 'b', "std::basic_string", "basic_string" },
	{ 's', "std::string", "basic_string" },	  { 'i', "std::istream", "basic_istream" },
	{ 'o', "std::ostream", "basic_ostream" }, { 'd', "std::iostream", "basic_iostream" },
};

static bool parse_encoding(struct cxx *c, bool with_params);
static bool parse_name(struct cxx *c);
static bool parse_type(struct cxx *c, int *ret_paren);
static bool parse_args(struct cxx *c);

/* Keeps the text since @from. */
static bool keep(struct cxx *c, size_t from, struct span *ret_span)
{
	size_t len = c->d->len - from;

	if (c->d->failed || len > POOL_BYTES - c->pool_len)
		return demangle_fail(c->d);
	memcpy(c->pool + c->pool_len, c->d->text + from, len);
	*ret_span = (struct span){ (uint16_t)c->pool_len, (uint16_t)len };
	c->pool_len += len;
	return true;
}

static bool add_place(struct cxx *c, size_t from)
{
	if (c->nr_places == PLACES_MAX)
		return demangle_fail(c->d);
	return keep(c, from, &c->place[c->nr_places]) && ++c->nr_places;
}

static void put_span(struct cxx *c, struct span s)
{
	demangle_put(c->d, c->pool + s.start, s.len);
}

static void set_last(struct cxx *c, size_t from)
{
	c->last = from;
	c->last_len = c->d->len - from;
}

/* "_" is 0, "0_" 1, in base 36 (or 10, which its numbers are a part of): ret_index is one more than the digits say. */
static bool parse_index(struct cxx *c, size_t *ret_index)
{
	struct demangle *d = c->d;
	size_t value = 0;
	bool any = false;

	for (; demangle_peek(d) != '_'; d->at++, any = true) {
		char ch = demangle_peek(d);

		if (ch >= '0' && ch <= '9')
			value = value * 36 + (size_t)(ch - '0');
		else if (ch >= 'A' && ch <= 'Z')
			value = value * 36 + (size_t)(ch - 'A' + 10);
		else
			return demangle_fail(d);
		if (value > PLACES_MAX)
			return demangle_fail(d);
	}
	d->at++;
	*ret_index = any ? value + 1 : 0;
	return true;
}

/* LENGTH NAME */
static bool parse_source_name(struct cxx *c)
{
	struct demangle *d = c->d;
	size_t len, from = d->len;

	if (!demangle_number(d, &len) || len > (size_t)(d->end - d->at))
		return demangle_fail(d);
	if (len >= 10 && !memcmp(d->at, "_GLOBAL_", 8) && d->at[9] == 'N')
		demangle_puts(d, "(anonymous namespace)");
	else
		demangle_put(d, d->at, len);
	d->at += len;
	set_last(c, from);
	return true;
}

static bool parse_abi_tags(struct cxx *c)
{
	struct demangle *d = c->d;
	size_t last = c->last, last_len = c->last_len;

	while (demangle_take(d, "B")) {
		demangle_puts(d, "[abi:");
		if (!parse_source_name(c))
			return false;
		demangle_puts(d, "]");
	}
	c->last = last;
	c->last_len = last_len;
	return true;
}

/* Types up to @stop, which is taken: "(int, char)"; a lone void is an empty list. */
static bool parse_params(struct cxx *c, char stop)
{
	struct demangle *d = c->d;
	int paren;

	demangle_puts(d, "(");
	for (bool first = true; demangle_peek(d) != stop; first = false) {
		size_t from;

		if (!first)
			demangle_puts(d, ", ");
		from = d->len;
		if (first && demangle_peek(d) == 'v' && d->at + 1 < d->end && d->at[1] == stop)
			d->at++;
		else if (!parse_type(c, &paren))
			return false;
		if (!first && d->len == from && d->len >= 2)
			d->len -= 2; /* an empty pack */
	}
	d->at++;
	demangle_puts(d, ")");
	return !d->failed;
}

/* Ut [NUMBER] _ and Ul TYPES E [NUMBER] _ */
static bool parse_unnamed(struct cxx *c)
{
	struct demangle *d = c->d;
	size_t from = d->len, index;
	bool lambda = demangle_take(d, "Ul");
	char text[32];

	if (lambda) {
		demangle_puts(d, "{lambda");
		if (!parse_params(c, 'E'))
			return false;
	} else if (demangle_take(d, "Ut")) {
		demangle_puts(d, "{unnamed type");
	} else {
		return demangle_fail(d);
	}
	if (!parse_index(c, &index))
		return false;
	(void)snprintf(text, sizeof(text), "#%zu}", index + 1);
	demangle_puts(d, text);
	set_last(c, from);
	return true;
}

static bool parse_operator(struct cxx *c)
{
	struct demangle *d = c->d;
	int paren;

	for (size_t i = 0; i < PF_ARRAY_SIZE(operators); i++) {
		if (!demangle_take(d, operators[i].code))
			continue;
		demangle_puts(d, "operator");
		if (operators[i].text[0] >= 'a' && operators[i].text[0] <= 'z')
			demangle_puts(d, " ");
		demangle_puts(d, operators[i].text);
		return true;
	}
	if (demangle_take(d, "cv")) {
		demangle_puts(d, "operator ");
		return parse_type(c, &paren);
	}
	if (demangle_take(d, "li")) {
		demangle_puts(d, "operator\"\" ");
		return parse_source_name(c);
	}
	return demangle_fail(d);
}

/* C1 to C5, D0 to D5: the class's own name again. */
static bool parse_constructor(struct cxx *c)
{
	struct demangle *d = c->d;
	bool destructor = demangle_peek(d) == 'D';
	char name[256];
	size_t len = PF_MIN(c->last_len, sizeof(name));

	d->at++;
	if (demangle_take(d, "I"))
		return demangle_fail(d); /* of a base class */
	if (demangle_peek(d) < '0' || demangle_peek(d) > '5')
		return demangle_fail(d);
	d->at++;
	memcpy(name, d->text + c->last, len);
	if (destructor)
		demangle_puts(d, "~");
	demangle_put(d, name, len);
	return true;
}

static bool parse_unqualified(struct cxx *c)
{
	struct demangle *d = c->d;
	char ch, next;
	bool ok;

	while (demangle_take(d, "L")) /* of internal linkage */
		;
	ch = demangle_peek(d);
	next = d->at + 1 < d->end ? d->at[1] : '\0';
	if (ch >= '0' && ch <= '9')
		ok = parse_source_name(c);
	else if (ch == 'U')
		ok = parse_unnamed(c);
	else if ((ch == 'C' || ch == 'D') && next >= '0' && next <= '9')
		ok = parse_constructor(c);
	else
		ok = parse_operator(c);
	return ok && parse_abi_tags(c);
}

/* S_ S0_ ... and the abbreviations of the standard library; not "St". */
static bool parse_substitution(struct cxx *c)
{
	struct demangle *d = c->d;
	size_t from = d->len, index;

	if (!demangle_take(d, "S"))
		return demangle_fail(d);
	for (size_t i = 0; i < PF_ARRAY_SIZE(standard); i++) {
		if (demangle_peek(d) != standard[i].code)
			continue;
		d->at++;
		demangle_puts(d, standard[i].text);
		set_last(c, from + 5);
		/* The name that a constructor of std::string has is another. */
		if (demangle_peek(d) == 'C' || demangle_peek(d) == 'D') {
			d->len = from;
			demangle_puts(d, "std::");
			demangle_puts(d, standard[i].last);
			set_last(c, from + 5);
		}
		return parse_abi_tags(c);
	}
	if (!parse_index(c, &index) || index >= c->nr_places)
		return demangle_fail(d);
	put_span(c, c->place[index]);
	set_last(c, from);
	for (size_t i = from; i + 1 < d->len && d->text[i] != '<'; i++)
		if (d->text[i] == ':' && d->text[i + 1] == ':')
			set_last(c, i + 2);
	c->last_len = strcspn(d->text + c->last, "<");
	return true;
}

/* T_ T0_ ...; what it stands for may not be known here (in a generic lambda, say). */
static bool parse_param(struct cxx *c)
{
	size_t index;

	if (!demangle_take(c->d, "T") || !parse_index(c, &index))
		return demangle_fail(c->d);
	if (index < c->nr_args)
		put_span(c, c->arg[index]);
	else
		demangle_puts(c->d, "auto");
	return !c->d->failed;
}

/* N [QUALIFIERS] PREFIX... E. Every prefix but the whole name can be referred to later. */
static bool parse_nested(struct cxx *c)
{
	struct demangle *d = c->d;
	size_t from = d->len;
	bool first = true;

	if (!demangle_take(d, "N"))
		return demangle_fail(d);
	while (strchr("rVKRO", demangle_peek(d)) && demangle_peek(d))
		d->at++; /* of the member function */
	while (demangle_peek(d) != 'E') {
		bool place = true;

		if (!demangle_enter(d))
			return false;
		if (demangle_peek(d) == 'I') {
			if (first || !parse_args(c))
				return demangle_fail(d);
		} else if (first && demangle_take(d, "St")) {
			demangle_puts(d, "std");
			place = false;
		} else if (first && demangle_peek(d) == 'S') {
			if (!parse_substitution(c))
				return false;
			place = false;
		} else if (first && demangle_peek(d) == 'T') {
			if (!parse_param(c))
				return false;
		} else if (demangle_take(d, "M")) {
			place = false; /* a data member, around a lambda of its initializer */
		} else {
			size_t last = c->last, last_len = c->last_len;

			if (!first) {
				demangle_puts(d, "::");
				c->last = last;
				c->last_len = last_len;
			}
			if (!parse_unqualified(c))
				return false;
		}
		demangle_leave(d);
		first = false;
		if (place && demangle_peek(d) != 'E' && !add_place(c, from))
			return false;
	}
	d->at++;
	return !first;
}

/* Z FUNCTION E ENTITY [_ NUMBER] */
static bool parse_local(struct cxx *c)
{
	struct demangle *d = c->d;
	size_t number;

	if (!demangle_take(d, "Z") || !parse_encoding(c, true) || !demangle_take(d, "E"))
		return demangle_fail(d);
	demangle_puts(d, "::");
	if (demangle_take(d, "s")) {
		demangle_puts(d, "string literal");
	} else {
		if (demangle_take(d, "d")) { /* in a default argument */
			size_t index;

			if (!parse_index(c, &index))
				return false;
			demangle_puts(d, "{default arg}::");
		}
		if (!parse_name(c))
			return false;
	}
	if (demangle_take(d, "__"))
		return demangle_number(d, &number) && demangle_take(d, "_");
	if (demangle_take(d, "_"))
		return demangle_number(d, &number);
	return true;
}

static bool name_of(struct cxx *c)
{
	struct demangle *d = c->d;
	size_t from = d->len;
	bool place = true;

	if (demangle_peek(d) == 'N')
		return parse_nested(c);
	if (demangle_peek(d) == 'Z')
		return parse_local(c);
	if (demangle_take(d, "St")) {
		demangle_puts(d, "std::");
		if (!parse_unqualified(c))
			return false;
	} else if (demangle_peek(d) == 'S') {
		place = false;
		if (!parse_substitution(c))
			return false;
	} else if (!parse_unqualified(c)) {
		return false;
	}
	if (demangle_peek(d) != 'I')
		return true;
	/* A template's own name comes before that of what was made of it. */
	return (!place || add_place(c, from)) && parse_args(c);
}

static bool parse_name(struct cxx *c)
{
	bool ok;

	if (!demangle_enter(c->d))
		return false;
	ok = name_of(c);
	demangle_leave(c->d);
	return ok;
}

/* L TYPE VALUE E, or L _Z NAME E: numbers as one would write them. */
static bool parse_literal(struct cxx *c)
{
	struct demangle *d = c->d;
	char type = d->at + 1 < d->end ? d->at[1] : '\0';
	size_t len = 0;
	int paren;

	d->at++;
	if (demangle_take(d, "_Z"))
		return parse_encoding(c, true) && demangle_take(d, "E");
	if (strchr("ijlmxyb", type) && type) {
		d->at++;
	} else {
		demangle_puts(d, "(");
		if (!parse_type(c, &paren))
			return false;
		demangle_puts(d, ")");
	}
	while (d->at + len < d->end && d->at[len] != 'E')
		len++;
	if (d->at + len == d->end)
		return demangle_fail(d);
	if (type == 'b' && len == 1) {
		demangle_puts(d, *d->at == '1' ? "true" : "false");
	} else {
		bool minus = *d->at == 'n';

		if (minus)
			demangle_puts(d, "-");
		demangle_put(d, d->at + minus, len - minus);
	}
	d->at += len + 1;
	return true;
}

static bool parse_arg_list(struct cxx *c, bool top, struct span *args, size_t *ret_nr);

static bool parse_arg(struct cxx *c)
{
	struct demangle *d = c->d;
	size_t nr;
	int paren;

	switch (demangle_peek(d)) {
	case 'L':
		return parse_literal(c);
	case 'J':
		d->at++;
		return parse_arg_list(c, false, NULL, &nr);
	case 'X':
		return demangle_fail(d); /* an expression */
	default:
		return parse_type(c, &paren);
	}
}

/* Arguments up to E, which is taken. */
static bool parse_arg_list(struct cxx *c, bool top, struct span *args, size_t *ret_nr)
{
	struct demangle *d = c->d;
	size_t nr = 0;
	bool written = false;

	if (!demangle_enter(d))
		return false;
	while (demangle_peek(d) != 'E') {
		size_t before = d->len, from;

		if (written)
			demangle_puts(d, ", ");
		from = d->len;
		if (!demangle_peek(d) || !parse_arg(c))
			return demangle_fail(d);
		if (top && nr < ARGS_MAX && !keep(c, from, &args[nr++]))
			return false;
		if (d->len == from)
			d->len = before; /* an empty pack */
		else
			written = true;
	}
	d->at++;
	demangle_leave(d);
	*ret_nr = nr;
	return true;
}

/* I ARGUMENTS E */
static bool parse_args(struct cxx *c)
{
	struct demangle *d = c->d;
	struct span args[ARGS_MAX];
	size_t nr, from, last = c->last, last_len = c->last_len;

	if (!demangle_take(d, "I"))
		return demangle_fail(d);
	demangle_puts(d, d->len && d->text[d->len - 1] == '<' ? " <" : "<");
	from = d->len;
	if (!parse_arg_list(c, true, args, &nr))
		return false;
	if (d->short_args) {
		d->len = from;
		demangle_puts(d, "...");
	}
	demangle_puts(d, ">");
	memcpy(c->arg, args, nr * sizeof(*args));
	c->nr_args = nr;
	c->last = last;
	c->last_len = last_len;
	return !d->failed;
}

/* F [Y] RETURN PARAMETERS E */
static bool parse_function(struct cxx *c, int *ret_paren)
{
	struct demangle *d = c->d;
	int paren;

	d->at++;
	(void)demangle_take(d, "Y"); /* extern "C" */
	if (!parse_type(c, &paren))
		return false;
	demangle_puts(d, " ");
	*ret_paren = (int)d->len;
	return parse_params(c, 'E');
}

/* A [NUMBER] _ TYPE */
static bool parse_array(struct cxx *c, int *ret_paren)
{
	struct demangle *d = c->d;
	char text[32] = " []";
	size_t nr;
	int paren;

	d->at++;
	if (demangle_peek(d) != '_') {
		if (!demangle_number(d, &nr))
			return false;
		(void)snprintf(text, sizeof(text), " [%zu]", nr);
	}
	if (!demangle_take(d, "_") || !parse_type(c, &paren))
		return demangle_fail(d);
	*ret_paren = (int)d->len;
	demangle_puts(d, text);
	return true;
}

/*
 * A mark of a type goes behind it; of a function into parentheses before its parameters, of an array before its size,
 * and there behind the marks that are in them already. Gives the place for the next one.
 */
static int add_mark(struct cxx *c, const char *mark, int paren)
{
	struct demangle *d = c->d;
	char text[16];

	if (paren == NO_PAREN) {
		demangle_puts(d, mark);
		return NO_PAREN;
	}
	if (d->text[paren] == ')') {
		demangle_insert(d, (size_t)paren, mark);
		return paren + (int)strlen(mark);
	}
	(void)snprintf(text, sizeof(text), "%s(%s)", d->text[paren] == ' ' ? " " : "", mark);
	demangle_insert(d, (size_t)paren, text);
	return paren + (int)strlen(text) - 1;
}

static bool parse_marked(struct cxx *c, const char *code, const char *mark, int *ret_paren)
{
	size_t from = c->d->len;
	int paren;

	(void)demangle_take(c->d, code);
	if (!parse_type(c, &paren) || c->d->failed)
		return false;
	*ret_paren = add_mark(c, mark, paren);
	return add_place(c, from);
}

/* M CLASS TYPE */
static bool parse_member_pointer(struct cxx *c)
{
	struct demangle *d = c->d;
	size_t from = d->len;
	struct span class;
	int paren;

	d->at++;
	if (!parse_type(c, &paren) || !keep(c, from, &class))
		return false;
	d->len = from;
	if (!parse_type(c, &paren))
		return false;
	demangle_puts(d, " ");
	put_span(c, class);
	demangle_puts(d, "::*");
	return add_place(c, from);
}

static bool parse_builtin(struct cxx *c)
{
	for (size_t i = 0; i < PF_ARRAY_SIZE(builtins); i++) {
		if (demangle_take(c->d, builtins[i].code)) {
			demangle_puts(c->d, builtins[i].text);
			return true;
		}
	}
	return false;
}

static bool named_type(struct cxx *c)
{
	struct demangle *d = c->d;
	size_t from = d->len, before = c->nr_places;
	bool reference = demangle_peek(d) == 'S' && d->at + 1 < d->end && d->at[1] != 't';

	if (!parse_name(c))
		return false;
	/* A reference alone is no new thing; with arguments it is. */
	if (reference && d->at[-1] != 'E' && c->nr_places == before)
		return true;
	return add_place(c, from);
}

static bool param_type(struct cxx *c)
{
	size_t from = c->d->len;

	if (!parse_param(c) || !add_place(c, from))
		return false;
	return demangle_peek(c->d) != 'I' || (parse_args(c) && add_place(c, from));
}

static bool type_of(struct cxx *c, int *ret_paren)
{
	struct demangle *d = c->d;
	size_t from = d->len;

	switch (demangle_peek(d)) {
	case 'P':
		return parse_marked(c, "P", "*", ret_paren);
	case 'R':
		return parse_marked(c, "R", "&", ret_paren);
	case 'O':
		return parse_marked(c, "O", "&&", ret_paren);
	case 'K':
		return parse_marked(c, "K", " const", ret_paren);
	case 'V':
		return parse_marked(c, "V", " volatile", ret_paren);
	case 'F':
		return parse_function(c, ret_paren) && add_place(c, from);
	case 'A':
		return parse_array(c, ret_paren) && add_place(c, from);
	case 'M':
		return parse_member_pointer(c);
	case 'T':
		return param_type(c);
	default:
		break;
	}
	if (demangle_take(d, "Dp")) { /* a pack, as far as it is known */
		int paren;

		return parse_type(c, &paren) && add_place(c, from);
	}
	if (demangle_take(d, "Do")) { /* noexcept */
		if (demangle_peek(d) != 'F' || !parse_function(c, ret_paren))
			return demangle_fail(d);
		return add_place(c, from);
	}
	if (parse_builtin(c))
		return true;
	if (demangle_peek(d) == 'D')
		return demangle_fail(d); /* decltype, vectors */
	if (demangle_take(d, "u"))
		return parse_source_name(c) && add_place(c, from);
	return named_type(c);
}

static bool parse_type(struct cxx *c, int *ret_paren)
{
	bool ok;

	*ret_paren = NO_PAREN;
	if (!demangle_enter(c->d))
		return false;
	ok = type_of(c, ret_paren);
	demangle_leave(c->d);
	return ok && !c->d->failed;
}

/* h NUMBER _ or v NUMBER _ NUMBER _ */
static bool skip_offset(struct cxx *c)
{
	struct demangle *d = c->d;
	unsigned nr_numbers = demangle_peek(d) == 'h' ? 1 : demangle_peek(d) == 'v' ? 2 : 0;
	size_t number;

	if (!nr_numbers)
		return demangle_fail(d);
	d->at++;
	for (unsigned i = 0; i < nr_numbers; i++) {
		(void)demangle_take(d, "n");
		if (!demangle_number(d, &number) || !demangle_take(d, "_"))
			return demangle_fail(d);
	}
	return true;
}

static bool parse_special(struct cxx *c)
{
	struct demangle *d = c->d;
	static const struct {
		const char *code, *text;
	} types[] = { { "TV", "vtable for " },
		      { "TT", "VTT for " },
		      { "TI", "typeinfo for " },
		      { "TS", "typeinfo name for " } };
	int paren;

	for (size_t i = 0; i < PF_ARRAY_SIZE(types); i++) {
		if (demangle_take(d, types[i].code)) {
			demangle_puts(d, types[i].text);
			return parse_type(c, &paren);
		}
	}
	if (demangle_take(d, "GV")) {
		demangle_puts(d, "guard variable for ");
		return parse_name(c);
	}
	if (demangle_take(d, "TW") || demangle_take(d, "TH")) {
		demangle_puts(d, "TLS function for ");
		return parse_name(c);
	}
	if (demangle_take(d, "Tc")) {
		demangle_puts(d, "covariant return thunk to ");
		for (int i = 0; i < 2; i++)
			if (!skip_offset(c))
				return false;
		return parse_encoding(c, false);
	}
	if (!demangle_take(d, "T"))
		return demangle_fail(d);
	demangle_puts(d, demangle_peek(d) == 'v' ? "virtual thunk to " : "non-virtual thunk to ");
	return skip_offset(c) && parse_encoding(c, false);
}

/* @with_params: read them, to find their end; they are not written. */
static bool parse_encoding(struct cxx *c, bool with_params)
{
	struct demangle *d = c->d;
	int paren;

	if (!demangle_enter(d))
		return false;
	if (demangle_peek(d) == 'T' ||
	    (demangle_peek(d) == 'G' && d->at + 1 < d->end && d->at[1] == 'V')) {
		if (!parse_special(c))
			return false;
	} else if (!parse_name(c)) {
		return false;
	}
	while (with_params && demangle_peek(d) && demangle_peek(d) != 'E') {
		size_t len = d->len;

		if (!parse_type(c, &paren))
			return false;
		d->len = len;
	}
	demangle_leave(d);
	return true;
}

/* _Z ENCODING; the parameters, to the end, are not looked at. */
bool demangle_cxx(struct demangle *d)
{
	struct cxx c = { .d = d };

	return demangle_take(d, "_Z") && parse_encoding(&c, false);
}
