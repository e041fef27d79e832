#!/bin/sh
# Runs test programs one after another and adds up their closing lines ("N passed, N failed, N skipped").
# Usage: tests/run.sh PROGRAM...      B (the build folder) is handed on in the environment.
set -u
passed=0 failed=0 skipped=0
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
for program; do
	printf '== %s\n' "$program"
	"$program" >"$out" 2>&1
	rc=$?
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$out" | tail -n 1)
	# The sum is printed once, at the end: the parts' closing lines would be counted twice by a reader.
	grep -vE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$out"
	if [ -z "$line" ]; then
		echo "$program: ended with $rc and without a closing line"
		failed=$((failed + 1))
		continue
	fi
	printf '   %s\n' "$line"
	# shellcheck disable=SC2086 # six words, wanted apart
	set -- $line
	passed=$((passed + $1)) failed=$((failed + $3)) skipped=$((skipped + $5))
	if [ "$rc" -ne 0 ] && [ "$3" -eq 0 ]; then
		echo "$program: nothing failed by its own count, but it ended with $rc"
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
