#!/bin/sh
# The collector under simulated fleets: how fast, how late, how large. Each line is one run, of a collector of its own
# with an empty store, on the machine that also makes the reports.
#
#   FLEET_NODES="100 1000"       fleets of so many nodes of 100 containers, three rounds of reports each ("" none)
#   FLEET_STORES="sqlite postgres"
#   FLEET_LONG="100"             long-lived fleets of so many nodes ("" none), on SQLite: FLEET_ROUNDS reports a node,
#   FLEET_ROUNDS=20              FLEET_MINUTES of simulated time apart; the collector's clock is libfaketime's. Then it is
#   FLEET_MINUTES=360            started anew, which makes days of hours that are old.
set -u
B=${B:-build/release}
nodes_list=${FLEET_NODES-100 1000}
stores=${FLEET_STORES-sqlite postgres}
long_list=${FLEET_LONG-100}
rounds=${FLEET_ROUNDS:-20}
minutes=${FLEET_MINUTES:-360}
port=${FLEET_PORT:-19790}
url=http://127.0.0.1:$port
# shellcheck source=tests/system/postgres.sh
. tests/system/postgres.sh
work=$(mktemp -d "${TMPDIR:-/tmp}/pf-fleet.XXXXXX")
collector=
stop_collector() {
	[ -n "$collector" ] && kill "$collector" 2>/dev/null && wait "$collector" 2>/dev/null
	collector=
}
trap 'stop_collector; pg_stop; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$work"

metric() { # NAME, of the collector; nothing while it does not answer
	curl -s "$url/metrics" | awk -v name="$1" '$1 == name { print $2 }'
}
wait_for() { # SECONDS COMMAND...
	left=$(($1 * 5))
	shift
	until "$@"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] && kill -0 "$collector" 2>/dev/null || return 1
		sleep 0.2
	done
}
is_up() { curl -sf -o "$work/up" "$url/livez"; }
has_merged() { # SECONDS since 1970: a merge that began then or later is done
	metric podfit_collector_merged_timestamp_seconds | awk -v at="$1" '{ exit !($1 >= at) } END { if (!NR) exit 1 }'
}
wait_for_picture() { # of what is stored now
	wait_for 900 has_merged "${1:-$(date +%s)}" || echo "bench-fleet: no new picture in 900 s" >&2
}
start_collector() { # WHERE [ENVIRONMENT...]
	where=$1
	shift
	env "$@" "$B/podfit-collector" --web.listen-address="127.0.0.1:$port" --store="$where" --log.level=error \
		--retention=30d --retention.reports=48h &
	collector=$!
	wait_for 60 is_up || {
		echo "bench-fleet: the collector does not start" >&2
		exit 1
	}
}
has_size() { metric podfit_collector_store_bytes | grep -qv "^0*$"; } # chores follow the first picture
median_ms() { # PATH: of seven answers
	for _ in 1 2 3 4 5 6 7; do
		curl -s -o "$work/page" -w '%{time_total}\n' "$url$1"
	done | sort -n | awk 'NR == 4 { printf "%.0f", $1 * 1000 }'
}
memory_mb() { awk -v what="$1:" '$1 == what { printf "%.0f", $2 * 1024 / 1e6 }' "/proc/$collector/status"; }
cpu_s() { awk '{ sub(/.*\) /, ""); printf "%.2f", ($12 + $13) / 100 }' "/proc/$collector/stat"; }
disk_mb() { # of the store, free pages included
	case $1 in
	sqlite) du -sk "$work/$2".db* | awk '{ s += $1 } END { printf "%.0f", s * 1024 / 1e6 }' ;;
	*) pg_as "$(pg_bin)/psql" -h "$PG_DIR" -U podfit -At postgres -c \
		'SELECT round(pg_database_size(current_database()) / 1e6)' ;;
	esac
}
rate_row() { # of fleet's own words: reports/s, p50, p99, CPU to send, CPU in the collector
	awk '/reports\/s/ { for (i = 1; i <= NF; i++) if ($i ~ /^reports/) rate = $(i - 1) }
		/^answer after/ { p50 = $4; p99 = $7 }
		/^CPU a report/ { sent = $4; own = $9 }
		END { printf "%9s %8s %8s %9s %9s", rate, p50, p99, sent, own }' "$1"
}
heading() {
	echo
	echo "$1"
	printf '%-9s %6s %9s %8s %8s %9s %9s %8s %8s %7s %7s %6s %6s %6s\n' store nodes reports/s p50_ms p99_ms send_ms \
		coll_ms merge_s peak_MB disk_MB page_ms api_ms leak_ms nodes_ms
}
row() { # STORE NODES OUTPUT NAME
	printf '%-9s %6s %s %8.1f %8s %8s %7s %7s %6s %6s\n' "$1" "$2" "$(rate_row "$3")" \
		"$(metric podfit_collector_merge_seconds)" "$(memory_mb VmHWM)" "$(disk_mb "$1" "$4")" "$(median_ms /)" \
		"$(median_ms '/v1/recommendations?limit=100')" "$(median_ms /v1/leaks)" "$(median_ms '/v1/nodes?limit=100')"
}

once() { # STORE NODES
	name=$1-$2
	case $1 in
	sqlite) start_collector "sqlite:$work/$name.db" ;;
	*)
		pg_start "$work/$name" || exit 1
		start_collector "postgres:$PG_CONNINFO"
		;;
	esac
	"$B/fleet" --url="$url" --nodes="$2" --rounds=3 --connections=64 --pid="$collector" >"$work/out" 2>"$work/err" ||
		cat "$work/err" >&2
	wait_for_picture
	row "$1" "$2" "$work/out" "$name"
	stop_collector
	pg_stop
	rm -rf "${work:?}/$name" "$work/$name.db"*
}

long() { # NODES
	name=long-$1
	fake=$(dpkg -L libfaketime 2>/dev/null | grep 'libfaketime.so.1$')
	[ -n "$fake" ] || {
		echo "bench-fleet: no libfaketime (Debian: libfaketime): no long-lived fleet" >&2
		return
	}
	date -u -d "-$((rounds * minutes)) minutes" '+%Y-%m-%d %H:%M:%S' >"$work/clock"
	set -- "$1" LD_PRELOAD="$fake" FAKETIME_TIMESTAMP_FILE="$work/clock" FAKETIME_CACHE_DURATION=1 \
		FAKETIME_DONT_FAKE_MONOTONIC=1 TZ=UTC
	nodes=$1
	shift
	start_collector "sqlite:$work/$name.db" "$@"
	"$B/fleet" --url="$url" --nodes="$nodes" --rounds="$rounds" --round-minutes="$minutes" --step=600 \
		--connections=64 --pid="$collector" --clock-file="$work/clock" >"$work/out" 2>"$work/err" || cat "$work/err" >&2
	row sqlite "$nodes" "$work/out" "$name"
	stop_collector
	start_collector "sqlite:$work/$name.db" "$@"
	wait_for_picture 1
	echo "          started anew: first picture after $(metric podfit_collector_merge_seconds) s ($(cpu_s) s of CPU)," \
		"$(memory_mb VmHWM) MB at most; page $(median_ms /) ms, API $(median_ms '/v1/recommendations?limit=100') ms"
	wait_for 300 has_size
	echo "          old hours made days: $(metric podfit_collector_store_bytes) bytes in use," \
		"$(metric podfit_collector_store_summaries) summaries, $(metric podfit_collector_store_reports) reports"
	stop_collector
	rm -f "$work/$name.db"*
}

uptime
[ -n "$nodes_list" ] && heading "fleets of 100 containers a node, 3 rounds of reports as fast as they are taken"
for store in $stores; do
	[ "$store" = sqlite ] || pg_bin >/dev/null || {
		echo "bench-fleet: no PostgreSQL server here (Debian: postgresql)" >&2
		continue
	}
	for nodes in $nodes_list; do
		once "$store" "$nodes"
	done
done
[ -n "$long_list" ] && heading "long-lived: $rounds reports a node, $minutes minutes of simulated time apart"
for nodes in $long_list; do
	long "$nodes"
done
uptime
