// SPDX-License-Identifier: Apache-2.0
/*
 * Who a TLS client is. libmicrohttpd asks for a certificate but accepts a client without one, and
 * one with a bad one: the check is here.
 */
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#include "sys/http_server_internal.h"

enum { NAMES_MAX = 16, NAME_MAX_BYTES = 256 };

void pf_http_tls_free_names(char **names)
{
	for (size_t i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
}

static void crt_freep(gnutls_x509_crt_t *crt)
{
	if (*crt)
		gnutls_x509_crt_deinit(*crt);
}

static bool plain(const char *name, size_t len)
{
	return len < NAME_MAX_BYTES && !memchr(name, 0, len); /* a NUL inside is an old trick */
}

static char **read_names(gnutls_x509_crt_t crt)
{
	char **names = calloc(NAMES_MAX + 1, sizeof(*names));
	char text[NAME_MAX_BYTES] = "";
	size_t len = sizeof(text), nr = 0;

	if (!names)
		return NULL;
	if (gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, text, &len) < 0 ||
	    !plain(text, len))
		text[0] = '\0';
	names[nr] = strdup(text);
	if (names[nr])
		nr++;
	for (unsigned i = 0; nr < NAMES_MAX; i++) {
		len = sizeof(text) - 1;
		int type = gnutls_x509_crt_get_subject_alt_name(crt, i, text, &len, NULL);

		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (type != GNUTLS_SAN_DNSNAME || !plain(text, len))
			continue;
		text[len] = '\0';
		names[nr] = strdup(text);
		if (names[nr])
			nr++;
	}
	return names;
}

char **pf_http_tls_client_names(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	PF_AUTO(crt_freep) gnutls_x509_crt_t crt = NULL;
	unsigned status = 0, nr = 0;

	if (!info || !info->tls_session)
		return NULL;

	gnutls_session_t session = info->tls_session;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &nr);
	gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
					  .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT };

	if (!chain || !nr || gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0 ||
	    status != 0)
		return NULL;
	if (gnutls_x509_crt_init(&crt) < 0) {
		crt = NULL;
		return NULL;
	}
	if (gnutls_x509_crt_import(crt, &chain[0], GNUTLS_X509_FMT_DER) < 0)
		return NULL;
	return read_names(crt);
}
