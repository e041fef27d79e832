#!/bin/bash
# make bench-leak: cost of the detector, its scores on generated series, and, with TRACES=DIR (recorded series with
# labels.csv, and folders synthetic-leaks and injected-leaks where there), on recorded ones: beside the baseline rule, and
# beside the prototype where DIR has leak_prototype.py (PROTOTYPE=0 leaves it out: it takes about two minutes).
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build/release}
TRACES=${TRACES:-}
"$B/leak-eval" --cost || exit 1
"$B/leak-eval" --generated 10 9001 || exit 1
if [ ! -f "$TRACES/labels.csv" ]; then
	echo "recorded series: skipped: TRACES=${TRACES:-} names no folder of series with labels.csv (TRACES=DIR make bench-leak)"
	exit 0
fi
folders=("$TRACES")
for folder in synthetic-leaks injected-leaks; do
	[ -f "$TRACES/$folder/labels.csv" ] && folders+=("$TRACES/$folder")
done
"$B/leak-eval" "${folders[@]}" || exit 1
if [ "${PROTOTYPE:-1}" = 0 ] || [ ! -f "$TRACES/leak_prototype.py" ] || ! command -v python3 >/dev/null; then
	echo "prototype: skipped: PROTOTYPE=0, no leak_prototype.py in $TRACES, or no python3"
	exit 0
fi
dir=$(mktemp -d) || exit 1
trap 'rm -r "$dir"' EXIT
for folder in "${folders[@]}"; do
	python3 "$TRACES/leak_prototype.py" "$folder" floor "$dir/prototype.csv" &&
		"$B/leak-eval" --predictions "$folder" "$dir/prototype.csv" prototype || exit 1
done
