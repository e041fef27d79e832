#!/bin/bash
# What `podfit leaks` says of the small series in tests/golden/leak, to the byte and the second: a change in the
# detector's arithmetic shows here. UPDATE=1 rewrites what is expected.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build/release}
golden=tests/golden/leak
passed=0 failed=0

check() { # NAME WHAT-IS-EXPECTED WHAT-CAME
	if [ "${UPDATE:-0}" = 1 ] && [ -f "$2" ]; then cp "$3" "$2"; fi
	if diff -u "$2" "$3"; then
		passed=$((passed + 1))
	else
		echo "FAILED $1 (UPDATE=1 $0 rewrites what is expected)"
		failed=$((failed + 1))
	fi
}

dir=$(mktemp -d) || exit 1
trap 'rm -r "$dir"' EXIT
for mode in podfit baseline; do
	"$B/podfit" leaks --from-csv="$golden" --mode=$mode -o csv >"$dir/$mode.csv" || echo "exit $?" >>"$dir/$mode.csv"
	check "alarms of mode $mode" "$golden/expected/$mode.csv" "$dir/$mode.csv"
done

# The series are the generator's: a change there must not go unnoticed either.
mkdir "$dir/made" && "$B/leak-eval" --export "$dir/made" 42
for file in series.csv.gz anon.csv.gz labels.csv events.csv; do
	[ "${UPDATE:-0}" = 1 ] && cp "$dir/made/$file" "$golden/$file"
	if cmp <(zcat -f "$golden/$file") <(zcat -f "$dir/made/$file"); then
		passed=$((passed + 1))
	else
		echo "FAILED $file is not what leak-eval --export makes"
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
