/* SPDX-License-Identifier: Apache-2.0 */
/* xml_check.h - is a text well-formed? A strict little parser for what podfit itself writes. */
#ifndef PF_TESTS_XML_CHECK_H
#define PF_TESTS_XML_CHECK_H

#include <stddef.h>

/**
 * xml_fault() - the first thing that is wrong: tags that do not nest, attributes that are doubled
 * or not quoted, bare '<' or '&', characters that XML does not allow, text outside the root, an id
 * that is used twice.
 * Return: NULL if @text is well-formed; else words with the place, valid until the next call.
 */
const char *xml_fault(const char *text, size_t len);

#endif
