#!/bin/sh
# Runs the command lines of tests/cli/cases and compares what they print and their exit codes with tests/cli/expected.
# Usage: tests/cli/run.sh [--update]      --update: what is printed now is what is expected from now on
cd "$(dirname "$0")/../.." || exit 1
top=$PWD
build=${B:-build/release}
case $build in /*) ;; *) build=$top/$build ;; esac
update=${1:-}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
PATH=$build:$PATH
export PATH LC_ALL=C TZ=UTC

# The inputs: a report, two of them, one cut within the second, and others that are none.
inputs() {
	cli-sample >good.pb || return 1
	cat good.pb good.pb >two.pb
	size=$(wc -c <good.pb)
	head -c $((size + size / 2)) two.pb >cut.pb
	printf 'this is no report\n' >garbage.pb
	: >empty.pb
	mkdir no-reports
	cp "$top/agent/policy/example.yaml" policy.yaml
	printf 'version: 1\nno-such-key: 3\n' >wrong-policy.yaml
	printf 'capture.interval: 5s\nlog.level: debug\n' >agent.yaml
	printf 'capture.interval: soon\n' >wrong-value.yaml
	printf 'no.such.key: 1\n' >wrong-key.yaml
}

# Return: the case's output and exit code on stdout.
one() {
	printf '$ %s\n' "$1"
	sh -c "$1" >out 2>err </dev/null
	code=$?
	cat out
	[ -s err ] && { echo '--- standard error'; cat err; }
	echo "--- exit code $code"
}

cd "$work" || exit 1
inputs || { echo "cli: cannot make the inputs"; exit 1; }
passed=0 failed=0
while IFS='|' read -r name command; do
	case $name in '' | '#'*) continue ;; esac
	one "$command" >actual
	expected=$top/tests/cli/expected/$name
	[ "$update" = --update ] && cp actual "$expected"
	if diff -u "$expected" actual >difference 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL $name"
		cat difference
	fi
done <"$top/tests/cli/cases"
for file in "$top"/tests/cli/expected/*; do
	grep -q "^${file##*/}|" "$top/tests/cli/cases" && continue
	echo "FAIL ${file##*/}: expected by no case"
	failed=$((failed + 1))
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
