#!/bin/sh
# A PostgreSQL server of our own for tests: sourced by the scripts beside it.
#
#   pg_start DIR     makes a cluster in DIR and starts it on a unix socket there; sets PG_CONNINFO and PG_PID
#   pg_stop          stops it (fast); pg_kill: as a crash would; pg_again: starts it again
#
# The server refuses to run as root, so as root it runs as user "nobody"; DIR then belongs to it.
pg_bin() {
	for dir in /usr/lib/postgresql/*/bin; do
		[ -x "$dir/postgres" ] && echo "$dir" && return
	done
	return 1
}

pg_as() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid nobody --regid nogroup --clear-groups env HOME="$PG_DIR" "$@"
	else
		"$@"
	fi
}

pg_again() {
	# exec, so that PG_PID is the server's own and signals reach it
	if [ "$(id -u)" -eq 0 ]; then
		(exec setpriv --reuid nobody --regid nogroup --clear-groups "$(pg_bin)/postgres" -D "$PG_DIR/data" \
			-k "$PG_DIR" -c listen_addresses= >>"$PG_DIR/log" 2>&1) &
	else
		(exec "$(pg_bin)/postgres" -D "$PG_DIR/data" -k "$PG_DIR" -c listen_addresses= >>"$PG_DIR/log" 2>&1) &
	fi
	PG_PID=$!
	for _ in $(seq 100); do
		pg_as "$(pg_bin)/pg_isready" -q -h "$PG_DIR" -U podfit -d postgres && return 0
		kill -0 "$PG_PID" 2>/dev/null || break
		sleep 0.1
	done
	cat "$PG_DIR/log"
	return 1
}

pg_start() {
	PG_DIR=$1
	mkdir -p "$PG_DIR"
	[ "$(id -u)" -eq 0 ] && chown nobody:nogroup "$PG_DIR"
	chmod 711 "$PG_DIR"
	(cd "$PG_DIR" && pg_as "$(pg_bin)/initdb" -D "$PG_DIR/data" -U podfit -A trust -E UTF8 --locale=C >"$PG_DIR/initdb.log" 2>&1) || {
		cat "$PG_DIR/initdb.log"
		return 1
	}
	# shellcheck disable=SC2034 # for the script that sources this
	PG_CONNINFO="host=$PG_DIR user=podfit dbname=postgres"
	pg_again
}

pg_stop() {
	[ -n "${PG_PID:-}" ] && kill -INT "$PG_PID" 2>/dev/null && wait "$PG_PID" 2>/dev/null
	PG_PID=
}

pg_kill() { # every process of the server at once: no time to write anything
	kill -QUIT "$PG_PID" 2>/dev/null
	wait "$PG_PID" 2>/dev/null
	PG_PID=
}
