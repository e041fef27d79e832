#!/bin/sh
# Runs test programs one after another and adds up their closing lines ("N passed, N failed, N skipped").
# Usage: tests/run.sh PROGRAM...      A PROGRAM may be followed by its arguments within the same word.
# B (the build folder) is handed on in the environment. Output appears as it is written.
set -u
passed=0 failed=0 skipped=0
out=$(mktemp) || exit 1
trap 'rm -f "$out" "$out.rc"' EXIT
trap 'exit 130' INT TERM
closing='^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$'
for program; do
	printf '== %s\n' "$program"
	start=$(date +%s)
	# The sum is printed once, at the end: the parts' closing lines would be counted twice by a reader.
	# shellcheck disable=SC2086 # program and arguments, wanted apart
	{ $program 2>&1; echo $? >"$out.rc"; } | tee "$out" | grep --line-buffered -vE "$closing"
	rc=$(cat "$out.rc")
	line=$(grep -E "$closing" "$out" | tail -n 1)
	if [ -z "$line" ]; then
		echo "$program: ended with $rc and without a closing line"
		failed=$((failed + 1))
		continue
	fi
	printf '   %s (%d s)\n' "$line" $(($(date +%s) - start))
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
