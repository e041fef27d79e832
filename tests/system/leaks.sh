#!/bin/bash
# Real leaks and innocents on this kernel, analysis 60 times as fast: podfit-agent must call every leak with its kind,
# the process and the stack where they can be known, and none of the innocents. The demo's leak and those of one process
# are left to run until the kernel kills them: when that was must lie in the interval that was foretold. About 90 s; own
# cgroups, removed at the end.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build/release}
leaks="malloc mmap threads forks shmem demo"
innocents="cache plateau saw batch"

skip() {
	echo "leaks: $1"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}
[ "$(id -u)" -eq 0 ] || skip "needs root"
for program in python3 "${CC:-cc}"; do
	command -v "$program" >/dev/null || skip "no $program here"
done
if [ -d /sys/fs/cgroup/memory ]; then
	hierarchies="memory cpu cpuacct" limit=memory.limit_in_bytes
elif grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null; then
	hierarchies=. limit=memory.max
else
	skip "no memory controller below /sys/fs/cgroup"
fi

dir=$(mktemp -d "$PWD/build/leaks-XXXXXX") || exit 1
group=podfit-leaks-$$
pids=()
cleanup() {
	for _ in $(seq 50); do
		left=0
		# shellcheck disable=SC2046 # one word a process
		kill -KILL $(cat "/sys/fs/cgroup/${hierarchies%% *}/$group"-*/cgroup.procs) 2>/dev/null
		for h in $hierarchies; do
			for path in /sys/fs/cgroup/"$h"/"$group"-*; do
				[ -d "$path" ] && { rmdir "$path" 2>/dev/null || left=1; }
			done
		done
		[ $left -eq 0 ] && break
		sleep 0.1
	done
	wait "${pids[@]}" 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

"${CC:-cc}" -O1 -fno-omit-frame-pointer -fno-optimize-sibling-calls -pthread -D_GNU_SOURCE \
	-o "$dir/zoo" tests/system/leaks/zoo.c || exit 1
for what in $leaks $innocents; do
	for h in $hierarchies; do mkdir -p "/sys/fs/cgroup/$h/$group-$what" || exit 1; done
	h=${hierarchies%% *}
	echo $((128 << 20)) >"/sys/fs/cgroup/$h/$group-$what/$limit"
	(
		(
			for h in $hierarchies; do
				echo "$BASHPID" >"/sys/fs/cgroup/$h/$group-$what/cgroup.procs" || exit 1
			done
			[ "$what" != demo ] || exec "$B/podfit-demo" --workload leaking
			exec "$dir/zoo" "$what" "$dir/file"
		)
		date +%s.%N >"$dir/ended-$what"
	) 2>/dev/null &
	pids+=($!)
done

# The limit is full after about 76 s; what is killed then has been called before.
"$B/podfit-agent" --run.duration=85s --time.scale=60 --capture.units=true --pods.source=none \
	--export.file="$dir/reports" --api.socket="$dir/agent.sock" --log.level=error
rc=$?
"$B/podfit" decode -o json "$dir/reports" >"$dir/reports.json" || rc=1
# shellcheck disable=SC2086 # one word a behaviour
python3 tests/system/leaks/check.py "$dir/reports.json" "$group" "$rc" "$dir" $leaks $innocents
