#!/bin/sh
# `make fleet`: the demonstration's workloads and simulated nodes reach the collector whose page it tells, the throttled
# one gets a patch that raises its limit, and nothing stays behind.
set -u
B=${B:-build/release}
skip() {
	echo "skipped: $1"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}
[ "$(id -u)" -eq 0 ] || skip "needs root"
for program in jq curl pgrep; do
	command -v "$program" >/dev/null || skip "no $program here"
done
passed=0 failed=0
demo='' url='' folder=''
work=$(mktemp -d /tmp/pf-demo.XXXXXX)
trap '[ -z "$demo" ] || kill "$demo" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

check() { # NAME COMMAND...
	what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED $what"
		cat "$work/out"
	fi
}
until_true() { # COMMAND...: within two minutes, while the demonstration runs
	for _ in $(seq 120); do
		"$@" && return
		kill -0 "$demo" 2>/dev/null || return 1
		sleep 1
	done
	return 1
}
refused() { # [NAME=VALUE] ARGUMENT...
	timeout 10 env "$@" >"$work/out" 2>&1
	[ $? -eq 2 ]
}
told_url() { url=$(sed -n 's|^Look at \(http://[0-9.:]*\)/ .*|\1|p' "$work/out") && [ -n "$url" ]; }
answers() { # PATH JQ-EXPRESSION; jq takes an empty text for true
	curl -sf "$url$1" >"$work/answer" 2>/dev/null && [ -s "$work/answer" ] && jq -e "$2" "$work/answer" >"$work/jq" 2>&1
}
its_folder() { # by the collector's store
	folder=$(for child in $(pgrep -P "$demo"); do tr '\0' '\n' <"/proc/$child/cmdline"; done |
		sed -n 's|^--store=sqlite:\(.*\)/podfit.db$|\1|p')
	[ -d "$folder" ]
}
patch_raises() {
	"$B/podfit" report --from="$url" --filter=namespace=demo,workload=throttled -o patch >"$work/patch" || return 1
	[ -s "$work/patch" ] || return 1
	sed -e '1s/.*-p .{/{/' -e "\$s/'\$//" "$work/patch" |
		jq -e '.spec.template.spec.containers[0].resources.limits.cpu | rtrimstr("m") | tonumber > 150' >"$work/jq" 2>&1
}
nothing_left() {
	[ -n "$url" ] && [ -n "$folder" ] && [ ! -e "$folder" ] &&
		[ -z "$(find /sys/fs/cgroup -maxdepth 2 -name "podfit-demo-$demo")" ] && ! curl -s -o "$work/jq" "$url/livez"
}

check "an argument is refused" refused "$B/podfit-demo" --help
check "a number that is none is refused" refused RUN_NODES=many "$B/podfit-demo"
RUN_NODES=3 RUN_SECONDS=300 "$B/podfit-demo" >"$work/out" 2>&1 &
demo=$!
check "it tells where the page is" until_true told_url
check "four nodes report" until_true answers /v1/nodes '.total == 4'
check "it has a folder" its_folder
check "this node is one of them" until_true answers /v1/nodes '[.nodes[].node] | any(. == "demo")'
check "the throttled workload is seen, and no other is throttled" until_true answers \
	'/v1/workloads?verdict=CPU_THROTTLED&filter=namespace=demo' '[.workloads[].workload] == ["throttled"]'
check "its patch raises the limit" until_true patch_raises
kill -INT "$demo"
wait "$demo"
check "Ctrl-C is no failure" [ $? -eq 0 ]
check "it ends with the advice" grep -q '^demo/throttled .*CPU_THROTTLED' "$work/out"
check "nothing stays behind" nothing_left
demo=
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
