#!/bin/sh
# Replays each fuzz target's seeds, and what was found since (build/fuzz/NAME).
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0
for source in tests/fuzz/*_fuzz.c; do
	name=$(basename "$source" _fuzz.c)
	found=build/fuzz/$name
	[ -d "$found" ] || found=
	# shellcheck disable=SC2086 # empty when there is no such folder
	if out=$("${B:-build/release}/fuzz/$name-replay" "tests/fuzz/corpus/$name" $found 2>&1); then
		passed=$((passed + $(printf '%s\n' "$out" | sed -n 's/^\([0-9]*\) passed.*/\1/p')))
	else
		printf '%s: %s\n' "$name" "$out"
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
