#!/bin/bash
# Real containers: Debian's containerd and runc make them at the paths a kubelet would, with real limits, below a cgroup
# of this test's own. A stub API server (tests/meta/stub.py) lists the pods; podfit-agent must name them, measure a
# throttled one, record an OOM kill, follow a restart, a resize and an end, and never show a sandbox.
#
# No image is pulled: the root file system is one static busybox. Containers have namespaces of their own, network
# included. Everything is removed at the end; what was there before is not touched.
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
B=${B:-build/release}
passed=0 failed=0

skip() {
	echo "containers: $1"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}

[ "$(id -u)" -eq 0 ] || skip "needs root"
for program in containerd runc ctr jq curl python3 openssl; do
	command -v $program >/dev/null || skip "no $program here"
done
busybox=$(command -v busybox) || skip "no busybox here"
if ldd "$busybox" >/dev/null 2>&1; then skip "busybox is not static (package busybox-static)"; fi

dir=$(mktemp -d /tmp/podfit-containers-XXXXXX) || exit 1
group=podfit-containers-$$ # our own cgroup, in each hierarchy
salt=$(printf '%08x' $$)
children=()

ctr_() {
	ctr --address "$dir/containerd.sock" "$@"
}

cleanup() {
	if [ -S "$dir/containerd.sock" ]; then
		for id in $(ctr_ tasks list -q 2>/dev/null); do ctr_ tasks kill -s KILL "$id" 2>/dev/null; done
		sleep 0.5
		for id in $(ctr_ containers list -q 2>/dev/null); do
			ctr_ tasks delete "$id" >/dev/null 2>&1
			ctr_ containers delete "$id" >/dev/null 2>&1
		done
	fi
	for pid in "${children[@]}"; do kill "$pid" 2>/dev/null; done
	for pid in "${children[@]}"; do wait "$pid" 2>/dev/null; done
	find /sys/fs/cgroup -depth -type d -path "*/$group*" -exec rmdir {} + 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

ok() { # NAME
	passed=$((passed + 1))
	echo "ok      $1"
}

bad() { # NAME DETAIL
	failed=$((failed + 1))
	echo "FAILED  $1: $2"
}

# The agent's report as JSON.
report() {
	curl -sf --max-time 5 --unix-socket "$dir/agent.sock" -H 'Accept: application/json' http://agent/v1/report
}

# Waits until the jq expression holds for the agent's report; what is wrong is told with the last one.
expect() { # NAME EXPRESSION
	local last=
	for _ in $(seq 120); do
		last=$(report) && printf '%s' "$last" | jq -e "$2" >/dev/null 2>&1 && {
			ok "$1"
			return 0
		}
		sleep 0.25
	done
	bad "$1" "never came; last: $(printf '%s' "$last" | jq -c '[.containers[]? | {identity, enforced}]' | cut -c1-1500)"
	return 1
}

# Checks a jq expression against everything the agent has written to its file.
expect_written() { # NAME EXPRESSION (over an array of reports)
	local last
	for _ in $(seq 60); do
		"$B/podfit" decode -o json "$dir/reports.pb" 2>/dev/null | jq -es "$2" >/dev/null 2>&1 && {
			ok "$1"
			return 0
		}
		sleep 0.5
	done
	last=$("$B/podfit" decode -o json "$dir/reports.pb" | jq -cs 'length')
	bad "$1" "not in $last reports"
	return 1
}

# ---- containers ----

container_id() { # NUMBER
	printf '%s%056x' "$salt" "$1"
}

# The OCI spec of a container of a pod.
spec() { # POD_CGROUP ID SHARES QUOTA MEMORY COMMAND
	(cd "$dir" && rm -f config.json && runc spec) && jq --arg group "/$group/kubepods/$1/$2" --arg rootfs "$dir/rootfs" \
		--argjson shares "$3" --argjson quota "$4" --argjson memory "$5" --arg command "$6" '
		.process.terminal = false | .process.args = ["/bin/sh", "-c", $command] | .process.env = ["PATH=/bin"]
		| .root = {path: $rootfs, readonly: true} | .linux.cgroupsPath = $group
		| .linux.resources = {cpu: ({shares: $shares} + (if $quota > 0 then {quota: $quota, period: 100000} else {} end)),
			memory: (if $memory > 0 then {limit: $memory} else {} end)}
		| .mounts |= map(select(.destination == "/proc" or .destination == "/dev"))' "$dir/config.json"
}

start() { # POD_CGROUP ID SHARES QUOTA MEMORY COMMAND
	spec "$@" >"$dir/spec-$2.json" || return 1
	ctr_ run --detach --config "$dir/spec-$2.json" "$2" 2>>"$dir/ctr.log"
}

stop() { # ID
	ctr_ tasks kill -s KILL "$1" 2>>"$dir/ctr.log"
	for _ in $(seq 50); do
		ctr_ tasks delete "$1" >>"$dir/ctr.log" 2>&1
		ctr_ tasks list -q 2>/dev/null | grep -q "^$1$" || break
		sleep 0.1
	done
	ctr_ containers delete "$1" >>"$dir/ctr.log" 2>&1
}

start_sandbox() { # POD_CGROUP ID
	start "$1" "$2" 2 0 0 'exec sleep 100000'
}

# ---- pods as the API server lists them ----

pod() { # FILE JQ_EXPRESSION: changes or makes a pod's file, whole
	local file=$dir/pods/$1.json
	{ [ -f "$file" ] && cat "$file" || echo '{}'; } | jq "$2" >"$file.new" && mv "$file.new" "$file"
}

# Where a container's file NAME is, on v1 and v2 alike.
cgroup_file() { # POD_CGROUP ID NAME...
	local name path
	for name in "${@:3}"; do
		for path in "/sys/fs/cgroup/memory" "/sys/fs/cgroup/cpu" "/sys/fs/cgroup"; do
			[ -e "$path/$group/kubepods/$1/$2/$name" ] && echo "$path/$group/kubepods/$1/$2/$name" && return 0
		done
	done
	return 1
}

# ---- start ----

mkdir -p "$dir/rootfs/bin" "$dir/rootfs/proc" "$dir/rootfs/dev" "$dir/pods" "$dir/certs"
cp "$busybox" "$dir/rootfs/bin/busybox"
for applet in sh sleep dd true; do ln -s busybox "$dir/rootfs/bin/$applet"; done
cat >"$dir/containerd.toml" <<END
version = 2
root = "$dir/root"
state = "$dir/state"
oom_score = 0
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
  address = "$dir/containerd.sock"
END
containerd --config "$dir/containerd.toml" >"$dir/containerd.log" 2>&1 &
children+=($!)
echo "token-of-this-test" >"$dir/token"
python3 tests/meta/stub.py --pods "$dir/pods" --certs "$dir/certs" --port-file "$dir/port" --token-file "$dir/token" \
	>"$dir/stub.log" 2>&1 &
children+=($!)
for _ in $(seq 100); do
	[ -s "$dir/port" ] && ctr_ version >/dev/null 2>&1 && break
	sleep 0.1
done
[ -s "$dir/port" ] || { echo "containers: the stub did not start: $(tail -3 "$dir/stub.log")"; exit 1; }
ctr_ version >/dev/null 2>&1 || skip "containerd does not start here: $(tail -1 "$dir/containerd.log")"

web=burstable/pod$salt-0000-4000-8000-000000000001
db=pod$salt-0000-4000-8000-000000000002
hog=burstable/pod$salt-0000-4000-8000-000000000003
web_pause=$(container_id 1) app=$(container_id 2) app_again=$(container_id 3) prep=$(container_id 4)
db_pause=$(container_id 11) postgres=$(container_id 12) hog_pause=$(container_id 21) eater=$(container_id 22)

start_sandbox "$web" "$web_pause" || skip "containers cannot be made here: $(tail -1 "$dir/ctr.log")"

"$B/podfit-agent" --node.name=node-t --capture.interval=1s --export.interval=2s --api.socket="$dir/agent.sock" \
	--export.file="$dir/reports.pb" --state.directory= --pods.source=apiserver \
	--pods.apiserver.url="https://127.0.0.1:$(cat "$dir/port")" --pods.apiserver.ca-file="$dir/certs/ca.pem" \
	--pods.apiserver.token-file="$dir/token" --log.level=debug >"$dir/agent.out" 2>"$dir/agent.log" &
agent=$!
children+=("$agent")
expect "the agent answers" '.node == "node-t"' || { tail -5 "$dir/agent.log"; }

# ---- created before it is listed ----

start "$web" "$prep" 20 0 0 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 2' # ends before it is listed
sleep 3
stop "$prep"
start "$web" "$app" 102 20000 33554432 'while :; do :; done'
sleep 2
# jq takes an empty text for true, so that there is a report comes first.
if unnamed=$(report) && printf '%s' "$unnamed" | jq -e '[.containers[]?.identity | select(.named != true)] == []' >/dev/null; then
	ok "nothing is shown before it has a name"
else
	bad "nothing is shown before it has a name" "$(report | jq -c '[.containers[]?.identity]' | cut -c1-600)"
fi
pod web '{metadata: {name: "web-5d8f-x2k4j", namespace: "shop", uid: "'"${web#*pod}"'", creationTimestamp: "2026-11-21T23:38:00Z",
	labels: {app: "web", "pod-template-hash": "5d8f", secret: "not carried"},
	ownerReferences: [{apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-5d8f", uid: "r1", controller: true}]},
	spec: {nodeName: "node-t", initContainers: [{name: "prep", image: "localhost/prep", resources: {requests: {cpu: "20m"}}}],
		containers: [{name: "app", image: "localhost/app:1",
		resources: {requests: {cpu: "100m", memory: "16Mi"}, limits: {cpu: "200m", memory: "32Mi"}}}]},
	status: {phase: "Running", qosClass: "Burstable",
		initContainerStatuses: [{name: "prep", restartCount: 0, containerID: "containerd://'"$prep"'",
			state: {terminated: {exitCode: 0, containerID: "containerd://'"$prep"'", startedAt: "2026-11-21T23:39:00Z"}}}],
		containerStatuses: [{name: "app", restartCount: 0, containerID: "containerd://'"$app"'",
			state: {running: {startedAt: "2026-11-21T23:39:30Z"}}}]}}'
expect "named: namespace, pod, container, workload, QoS" '.containers[]? | select(.identity.container_id == "'"$app"'") | .identity
	| .namespace == "shop" and .pod == "web-5d8f-x2k4j" and .container == "app" and .workload == "web"
	and .workload_kind == "DEPLOYMENT" and .qos == "BURSTABLE" and .container_type == "MAIN" and .named
	and .image == "localhost/app:1" and .restart_count == 0'
expect "requests and limits" '.containers[]? | select(.identity.container_id == "'"$app"'") | .spec
	| .cpu_request_millicores == 100 and .cpu_limit_millicores == 200 and .memory_request_bytes == 16777216
	and .memory_limit_bytes == 33554432'
expect "what the kernel enforces" '.containers[]? | select(.identity.container_id == "'"$app"'") | .enforced
	| .cfs_quota_us == 20000 and .cfs_period_us == 100000 and .memory_limit_bytes == 33554432'
expect "selected labels come along, others do not" '.containers[]? | select(.identity.container_id == "'"$app"'")
	| [.identity.labels[].key] | contains(["app", "pod-template-hash"]) and (contains(["secret"]) | not)'
expect "throttled, as a loop under a fifth of a core is" '.containers[]? | select(.identity.container_id == "'"$app"'") | .now
	| .nr_throttled >= 5 and .nr_throttled <= .nr_periods + 1 and .usage_ns / .interval_ns > 0.1 and .usage_ns / .interval_ns < 0.3'
expect_written "an init container that ended before it was listed has its name" '[.[].containers[]?.identity
	| select(.container_id == "'"$prep"'")] | length > 0 and all(.container == "prep" and .container_type == "INIT" and .named)'

# ---- a second pod, resized in place ----

start_sandbox "$db" "$db_pause"
start "$db" "$postgres" 256 25000 50331648 'exec sleep 100000'
pod db '{metadata: {name: "db-0", namespace: "shop", uid: "'"${db#*pod}"'",
	ownerReferences: [{apiVersion: "apps/v1", kind: "StatefulSet", name: "db", uid: "s1", controller: true}]},
	spec: {nodeName: "node-t", containers: [{name: "postgres", image: "localhost/pg", resources:
		{requests: {cpu: "250m", memory: "48Mi"}, limits: {cpu: "250m", memory: "48Mi"}}}]},
	status: {phase: "Running", qosClass: "Guaranteed", containerStatuses: [{name: "postgres", restartCount: 0,
		containerID: "containerd://'"$postgres"'", state: {running: {startedAt: "2026-11-21T23:39:30Z"}},
		resources: {requests: {cpu: "250m", memory: "48Mi"}, limits: {cpu: "250m", memory: "48Mi"}}}]}}'
expect "a StatefulSet's pod, Guaranteed" '.containers[]? | select(.identity.container == "postgres") | .identity
	| .workload_kind == "STATEFUL_SET" and .workload == "db" and .qos == "GUARANTEED"'
pod db '.spec.containers[0].resources = {requests: {cpu: "250m", memory: "96Mi"}, limits: {cpu: "250m", memory: "96Mi"}}'
expect "resized, not yet in force: asked for, given, enforced, and a note" '.containers[]? | select(.identity.container == "postgres")
	| .spec.memory_limit_bytes == 100663296 and .actual.memory_limit_bytes == 50331648
	and .enforced.memory_limit_bytes == 50331648 and (.enforced.note // "" | length > 0)'
limit=$(cgroup_file "$db" "$postgres" memory.max memory.limit_in_bytes)
echo 100663296 >"$limit"
pod db '.status.containerStatuses[0].resources = .spec.containers[0].resources'
expect "resized and in force" '.containers[]? | select(.identity.container == "postgres")
	| .actual.memory_limit_bytes == 100663296 and .enforced.memory_limit_bytes == 100663296
	and (.enforced.note // "" | length == 0) and .identity.restart_count == 0'

# ---- a kill by the OOM killer ----

start_sandbox "$hog" "$hog_pause"
start "$hog" "$eater" 10 10000 25165824 'sleep 4; dd if=/dev/zero of=/dev/null bs=200M count=1; sleep 100000'
pod hog '{metadata: {name: "hog", namespace: "batch", uid: "'"${hog#*pod}"'"}, spec: {nodeName: "node-t", containers:
	[{name: "eater", image: "localhost/hog", resources: {requests: {cpu: "10m"}, limits: {cpu: "100m", memory: "24Mi"}}}]},
	status: {phase: "Running", qosClass: "Burstable", containerStatuses: [{name: "eater", restartCount: 0,
	containerID: "containerd://'"$eater"'", state: {running: {startedAt: "2026-11-21T23:39:30Z"}}}]}}'
expect "a bare pod" '.containers[]? | select(.identity.container == "eater") | .identity.workload_kind == "POD"
	and .identity.workload == "hog"'
expect_written "its OOM kill: who, which limit, how much" '[.[].oom_kills[]? | select(.container_id == "'"$eater"'")] | length >= 1
	and all(.namespace == "batch" and .pod == "hog" and .container == "eater" and .comm == "dd"
	and .limit_bytes == 25165824 and .usage_bytes > 20000000 and (.whole_node | not))'

# ---- a restart ----

stop "$app"
start "$web" "$app_again" 102 20000 33554432 'while :; do sleep 1; done'
pod web '.status.containerStatuses[0] |= (.lastState = {terminated: {exitCode: 137, containerID: .containerID}}
	| .containerID = "containerd://'"$app_again"'" | .restartCount = 1)'
expect "restarted: a new instance of the same container" '.containers[]? | select(.identity.container_id == "'"$app_again"'")
	| .identity | .container == "app" and .pod == "web-5d8f-x2k4j" and .restart_count == 1 and .workload == "web"'
expect_written "the instance before has ended, and kept its name" '[.[].containers[]? | select(.identity.container_id == "'"$app"'")]
	| last | .ended_unix_ns != null and .identity.container == "app" and .identity.restart_count == 0'

# ---- people's view ----

"$B/podfit" top --from "$dir/agent.sock" --plain --count=1 >"$dir/top" 2>&1
if grep -q 'web-5d8f-x2k4j' "$dir/top" && grep -q 'postgres' "$dir/top"; then
	ok "podfit top shows the names"
else
	bad "podfit top shows the names" "$(head -5 "$dir/top")"
fi
"$B/podfit" top --from "$dir/agent.sock" --plain --count=1 --filter='namespace=shop,label:app=web' >"$dir/top" 2>&1
if grep -q 'web-5d8f-x2k4j' "$dir/top" && ! grep -Eq 'postgres|eater' "$dir/top"; then
	ok "podfit top --filter by namespace and label"
else
	bad "podfit top --filter by namespace and label" "$(head -5 "$dir/top")"
fi
"$B/podfit-agent" --doctor --node.name=node-t --pods.source=apiserver \
	--pods.apiserver.url="https://127.0.0.1:$(cat "$dir/port")" --pods.apiserver.ca-file="$dir/certs/ca.pem" \
	--pods.apiserver.token-file="$dir/token" >"$dir/doctor" 2>&1
if grep -q 'apiserver: list pods  *ok' "$dir/doctor" && grep -q 'apiserver: watch pods  *ok' "$dir/doctor"; then
	ok "podfit-agent --doctor finds the API server's rights"
else
	bad "podfit-agent --doctor finds the API server's rights" "$(grep apiserver "$dir/doctor")"
fi

# ---- the end of a pod ----

stop "$postgres"
stop "$db_pause"
rm "$dir/pods/db.json"
expect "a deleted pod leaves" '[.containers[]? | select(.identity.pod == "db-0" and (.ended_unix_ns == null))] == []'
expect_written "after a last report of it" '[.[].containers[]? | select(.identity.container_id == "'"$postgres"'")]
	| last | .ended_unix_ns != null and .identity.workload == "db"'
kill -TERM "$agent"
wait "$agent"
code=$?
children=("${children[@]/$agent/}")
if [ "$code" -eq 0 ]; then ok "the agent ends well"; else bad "the agent ends well" "code $code: $(tail -2 "$dir/agent.log")"; fi
expect_written "a last report, and no sandbox in any" '(last | .last) and ([.[].containers[]?.identity.container_id
	| select(. == "'"$web_pause"'" or . == "'"$db_pause"'" or . == "'"$hog_pause"'")] == [])'
if grep -q 'token-of-this-test' "$dir/agent.log"; then
	bad "no credential in the log" "$(grep -n token "$dir/agent.log" | head -2)"
else
	ok "no credential in the log"
fi

cd "$root" || exit 1
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
