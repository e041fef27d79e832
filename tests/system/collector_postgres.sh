#!/bin/sh
# The store's suite of unit tests against a real PostgreSQL server.
set -u
B=${B:-build/release}
here=$(dirname "$0")
. "$here/postgres.sh"
if ! pg_bin >/dev/null; then
	echo "skipped: no PostgreSQL server here (Debian: postgresql)"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
work=$(mktemp -d /tmp/pf-pg.XXXXXX)
trap 'pg_stop; rm -rf "$work"' EXIT
chmod 755 "$work"
if ! pg_start "$work/pg"; then
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi
PODFIT_TEST_POSTGRES=$PG_CONNINFO "$B/test-unit" collector_store
