// SPDX-License-Identifier: Apache-2.0
#include "policy/options_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum { NAME_MAX_LEN = 128, DEPTH_MAX = 4, FILE_MAX = 1 << 20 };

struct reader {
	const char *path;
	pf_options_file_fn fn;
	void *arg;
	char *error;
	size_t error_size;
};

static int bad(struct reader *reader, const yaml_mark_t *mark, const char *what)
{
	(void)snprintf(reader->error, reader->error_size, "%s line %zu column %zu: %s",
		       reader->path, mark->line + 1, mark->column + 1, what);
	return -EINVAL;
}

static int walk(struct reader *reader, yaml_document_t *document, yaml_node_t *node,
		const char *prefix, int depth);

static int walk_pair(struct reader *reader, yaml_document_t *document, yaml_node_pair_t *pair,
		     const char *prefix, int depth)
{
	yaml_node_t *key = yaml_document_get_node(document, pair->key);
	yaml_node_t *value = yaml_document_get_node(document, pair->value);
	char name[NAME_MAX_LEN], where[256];
	int len;

	if (key->type != YAML_SCALAR_NODE)
		return bad(reader, &key->start_mark, "a setting's name is a plain word");
	len = snprintf(name, sizeof(name), "%s%s%s", prefix, prefix[0] ? "." : "",
		       (const char *)key->data.scalar.value);
	if (len < 0 || (size_t)len >= sizeof(name))
		return bad(reader, &key->start_mark, "no setting has such a long name");
	if (value->type == YAML_MAPPING_NODE)
		return walk(reader, document, value, name, depth + 1);
	if (value->type != YAML_SCALAR_NODE)
		return bad(reader, &value->start_mark, "a setting has one value, not a list");
	(void)snprintf(where, sizeof(where), "%s line %zu", reader->path,
		       key->start_mark.line + 1); /* cut if the path is very long */
	return reader->fn(reader->arg, where, name, (const char *)value->data.scalar.value);
}

static int walk(struct reader *reader, yaml_document_t *document, yaml_node_t *node,
		const char *prefix, int depth)
{
	if (node->type != YAML_MAPPING_NODE)
		return bad(reader, &node->start_mark, "settings are written as \"name: value\"");
	if (depth > DEPTH_MAX)
		return bad(reader, &node->start_mark, "nested too deep");
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		int r = walk_pair(reader, document, pair, prefix, depth);

		if (r < 0)
			return r;
	}
	return 0;
}

static int read_document(struct reader *reader, yaml_parser_t *parser)
{
	yaml_document_t document;
	yaml_node_t *root;
	int r;

	if (!yaml_parser_load(parser, &document))
		return bad(reader, &parser->problem_mark,
			   parser->problem ? parser->problem : "not YAML");
	root = yaml_document_get_root_node(&document);
	r = root ? walk(reader, &document, root, "", 0) : 0; /* an empty file sets nothing */
	yaml_document_delete(&document);
	return r;
}

int pf_options_file_read(const char *path, pf_options_file_fn fn, void *arg, char *error,
			 size_t error_size)
{
	struct reader reader = { path, fn, arg, error, error_size };
	PF_AUTO(pf_fclosep) FILE *file = fopen(path, "re");
	PF_AUTO(pf_freep) char *text = NULL;
	yaml_parser_t parser;
	size_t len;
	int r;

	if (!file) {
		r = -errno;
		(void)snprintf(error, error_size, "%s: %s", path, strerror(-r));
		return r;
	}
	text = malloc(FILE_MAX);
	if (!text || !yaml_parser_initialize(&parser)) {
		(void)snprintf(error, error_size, "out of memory");
		return -ENOMEM;
	}
	len = fread(text, 1, FILE_MAX, file);
	if (ferror(file) || len == FILE_MAX) {
		r = ferror(file) ? -EIO : -EFBIG;
		(void)snprintf(error, error_size, "%s: %s", path,
			       r == -EIO ? "cannot be read" : "larger than 1 MiB");
	} else {
		yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
		r = read_document(&reader, &parser);
	}
	yaml_parser_delete(&parser);
	return r;
}
