#!/bin/sh
# The collector on a real PostgreSQL server: the store's unit suite, two collectors at once, kill -9 of the
# collector, and the server gone and back.
set -u
B=${B:-build/release}
here=$(dirname "$0")
# shellcheck source=tests/system/postgres.sh
. "$here/postgres.sh"
if ! pg_bin >/dev/null; then
	echo "skipped: no PostgreSQL server here (Debian: postgresql)"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
work=$(mktemp -d /tmp/pf-pg.XXXXXX)
trap 'pg_stop; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$work"
if ! pg_start "$work/pg"; then
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi
PODFIT_TEST_POSTGRES=$PG_CONNINFO "$B/test-unit" collector_store collector_forget collector_faults >"$work/out" 2>&1
python3 "$here/collector_api.py" "$B" "$PG_CONNINFO" >>"$work/out" 2>&1

# The server goes away without a word and comes back: reports are refused meanwhile, taken after.
answers=$work/answers
"$B/podfit-collector" "--store=postgres:$PG_CONNINFO" --web.listen-address=127.0.0.1:19799 --log.level=error &
collector=$!
sleep 1
post() { # the status of a POST of an empty message: 400 before the store is asked
	curl -s -o "$answers" -w '%{http_code}' "http://127.0.0.1:19799$1"
}
ok=0 bad=0
expect() {
	if [ "$2" = "$3" ]; then ok=$((ok + 1)); else
		bad=$((bad + 1))
		echo "FAILED $1: $2, want $3"
	fi
}
expect "ready before" "$(post /readyz)" 200
pg_kill
"$B/fleet" --url=http://127.0.0.1:19799 --nodes=1 --containers=4 --rounds=1 >"$work/refused" 2>&1
expect "refused while it is gone" "$(grep -c 'refused 1 (last 503)' "$work/refused")" 1
expect "not ready while it is gone" "$(post /readyz)" 503
pg_again
"$B/fleet" --url=http://127.0.0.1:19799 --nodes=1 --containers=4 --rounds=1 >"$work/taken" 2>&1
expect "taken when it is back" "$(grep -c 'refused 0' "$work/taken")" 1
expect "ready again" "$(post /readyz)" 200
kill "$collector"
wait "$collector"
echo "$ok passed, $bad failed, 0 skipped" >>"$work/out"
grep -vE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$work/out" | grep -E 'FAILED|skipped:'
awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5; n++ }
	END { if (n != 3) f++; printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 }' "$work/out"
