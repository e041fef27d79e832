// SPDX-License-Identifier: Apache-2.0
#include "policy/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 16 };

/* A mapping or list being filled. */
struct level {
	struct pf_yaml *node;
	struct pf_yaml *last; /* member */
	const char *key;      /* of a mapping: read, waiting for its value */
	yaml_mark_t key_mark;
};

struct builder {
	struct pf_arena *arena;
	struct pf_yaml_error *error;
	struct level levels[DEPTH_MAX];
	size_t depth, nr_nodes;
	struct pf_yaml *root;
};

int pf_yaml_fail(struct pf_yaml_error *error, const struct pf_yaml *node, const char *format, ...)
{
	va_list args;

	error->line = node ? node->line : 0;
	error->column = node ? node->column : 0;
	va_start(args, format);
	vsnprintf(error->reason, sizeof(error->reason), format, args);
	va_end(args);
	return -EINVAL;
}

static int fail_at(struct builder *b, const yaml_mark_t *mark, const char *reason)
{
	struct pf_yaml place = { .line = (unsigned)mark->line + 1,
				 .column = (unsigned)mark->column + 1 };

	return pf_yaml_fail(b->error, &place, "%s", reason);
}

const struct pf_yaml *pf_yaml_get(const struct pf_yaml *mapping, const char *key)
{
	if (!mapping || mapping->kind != PF_YAML_MAPPING)
		return NULL;
	pf_yaml_for_each(mapping, member) if (!strcmp(member->key, key)) return member;
	return NULL;
}

/* Puts a finished or beginning node where it belongs. */
static int place(struct builder *b, struct pf_yaml *node, const yaml_mark_t *mark)
{
	struct level *level = b->depth ? &b->levels[b->depth - 1] : NULL;

	if (!level) {
		if (b->root)
			return fail_at(b, mark, "a second document: one file holds one");
		b->root = node;
		return 0;
	}
	if (level->node->kind == PF_YAML_MAPPING) {
		node->key = level->key;
		node->key_line = (unsigned)level->key_mark.line + 1;
		node->key_column = (unsigned)level->key_mark.column + 1;
		level->key = NULL;
	}
	if (level->last)
		level->last->next = node;
	else
		level->node->first = node;
	level->last = node;
	level->node->nr++;
	return 0;
}

static int make_node(struct builder *b, enum pf_yaml_kind kind, const yaml_mark_t *mark,
		     struct pf_yaml **ret_node)
{
	struct pf_yaml *node;

	if (++b->nr_nodes > PF_YAML_NODES_MAX)
		return fail_at(b, mark, "more values than any policy needs");
	node = pf_arena_alloc(b->arena, sizeof(*node));
	if (!node)
		return b->arena->err;
	node->kind = kind;
	node->line = (unsigned)mark->line + 1;
	node->column = (unsigned)mark->column + 1;
	node->text = "";
	*ret_node = node;
	return 0;
}

static bool awaits_key(const struct builder *b)
{
	return b->depth && b->levels[b->depth - 1].node->kind == PF_YAML_MAPPING &&
	       !b->levels[b->depth - 1].key;
}

static int take_key(struct builder *b, const yaml_event_t *event)
{
	struct level *level = &b->levels[b->depth - 1];
	const char *text = (const char *)event->data.scalar.value;

	if (strlen(text) != event->data.scalar.length)
		return fail_at(b, &event->start_mark, "a zero byte in a key");
	if (pf_yaml_get(level->node, text))
		return fail_at(b, &event->start_mark, "this key is already there");
	level->key = pf_arena_strdup(b->arena, text);
	level->key_mark = event->start_mark;
	return level->key ? 0 : b->arena->err;
}

static int take_scalar(struct builder *b, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	struct pf_yaml *node;
	int r;

	if (event->data.scalar.anchor)
		return fail_at(b, &event->start_mark, "anchors are not read here");
	if (event->data.scalar.tag)
		return fail_at(b, &event->start_mark, "tags are not read here");
	if (awaits_key(b))
		return take_key(b, event);
	if (strlen(text) != event->data.scalar.length)
		return fail_at(b, &event->start_mark, "a zero byte in a value");
	r = make_node(b, PF_YAML_SCALAR, &event->start_mark, &node);
	if (r < 0)
		return r;
	node->is_null = plain && (!*text || !strcmp(text, "~") || !strcmp(text, "null"));
	node->text = pf_arena_strdup(b->arena, text);
	return node->text ? place(b, node, &event->start_mark) : b->arena->err;
}

static int open_level(struct builder *b, enum pf_yaml_kind kind, const yaml_event_t *event,
		      bool has_anchor, bool has_tag)
{
	struct pf_yaml *node;
	int r;

	if (has_anchor)
		return fail_at(b, &event->start_mark, "anchors are not read here");
	if (has_tag)
		return fail_at(b, &event->start_mark, "tags are not read here");
	if (awaits_key(b))
		return fail_at(b, &event->start_mark, "a key is a plain word");
	if (b->depth == DEPTH_MAX)
		return fail_at(b, &event->start_mark, "nested too deep");
	r = make_node(b, kind, &event->start_mark, &node);
	if (r == 0)
		r = place(b, node, &event->start_mark);
	if (r < 0)
		return r;
	b->levels[b->depth++] = (struct level){ .node = node };
	return 0;
}

static int take_event(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return take_scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_level(b, PF_YAML_LIST, event, event->data.sequence_start.anchor,
				  event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return open_level(b, PF_YAML_MAPPING, event, event->data.mapping_start.anchor,
				  event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		return 0;
	case YAML_ALIAS_EVENT:
		return fail_at(b, &event->start_mark, "aliases are not read here");
	default:
		return 0;
	}
}

static int parse_all(struct builder *b, yaml_parser_t *parser)
{
	yaml_event_type_t type;

	do {
		yaml_event_t event;
		int r;

		if (!yaml_parser_parse(parser, &event)) {
			if (parser->error == YAML_MEMORY_ERROR)
				return -ENOMEM;
			return fail_at(b, &parser->problem_mark,
				       parser->problem ? parser->problem : "not YAML");
		}
		type = event.type;
		r = take_event(b, &event);
		yaml_event_delete(&event);
		if (r < 0)
			return r;
	} while (type != YAML_STREAM_END_EVENT);
	return 0;
}

int pf_yaml_parse(const char *text, size_t len, struct pf_arena *arena,
		  const struct pf_yaml **ret_root, struct pf_yaml_error *error)
{
	struct builder b = { .arena = arena, .error = error };
	yaml_parser_t parser;
	int r;

	if (len > PF_YAML_TEXT_MAX)
		return -E2BIG;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	r = parse_all(&b, &parser);
	yaml_parser_delete(&parser);
	if (r < 0)
		return r;
	*ret_root = b.root && b.root->kind == PF_YAML_SCALAR && b.root->is_null ? NULL : b.root;
	return 0;
}
