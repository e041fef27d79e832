/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gunzip.h - gzip in and out of memory, with a limit on what comes out.
 */
#ifndef PF_COLLECTOR_INGEST_GUNZIP_H
#define PF_COLLECTOR_INGEST_GUNZIP_H

#include "base/buf.h"

/**
 * pf_gunzip() - appends the decompressed bytes of one or more gzip members to @out.
 * Return: 0; -EBADMSG: no gzip, cut off or a wrong checksum; -EFBIG: more than @out may hold;
 * -ENOMEM.
 */
PF_MUST_CHECK int pf_gunzip(const void *data, size_t len, struct pf_buf *out);

/** pf_gzip() - appends @data compressed, fast rather than small. Return: 0; -ENOSPC; -ENOMEM. */
PF_MUST_CHECK int pf_gzip(const void *data, size_t len, struct pf_buf *out);

#endif
