#!/bin/sh
# Levels: base 0, core sys 1, wire policy report 2, capture meta store export 3, main 4. An include names the own
# folder or a lower level; folders of one level never meet. tools/ uses levels 0 to 2; only capture/ (and tests and
# benchmarks of it) includes podfit_abi.h, headers it shares with programs, and skeletons, only wire/ and store/ generated protobuf.
set -eu
cd "$(dirname "$0")/.."
level() {
	case $1 in
	base) echo 0 ;;
	core | sys) echo 1 ;;
	wire | policy | report) echo 2 ;;
	capture | meta | store | export) echo 3 ;;
	main) echo 4 ;;
	*) echo none ;;
	esac
}
passed=0 failed=0
complain() {
	echo "$1: $2"
	failed=$((failed + 1))
}
for file in $(git ls-files -co --exclude-standard -- 'agent/*.c' 'agent/*.h' 'tools/*.c' 'tools/*.h'); do
	[ -f "$file" ] || continue
	case $file in
	agent/*) own=$(echo "$file" | cut -d/ -f2) own_level=$(level "$own") ;;
	tools/bench/*) continue ;; # benchmarks measure any level
	*) own=tools own_level=2.5 ;;
	esac
	for inc in $(sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file"); do
		passed=$((passed + 1))
		folder=${inc%%/*}
		case $inc in
		podfit_abi.h | *.bpf.h | *.skel.h)
			[ "$own" = capture ] || complain "$file" "includes $inc, which only capture/ may"
			continue
			;;
		*.pb-c.h)
			case $own in wire | store) ;; *) complain "$file" "includes $inc, which only wire/ and store/ may" ;; esac
			continue
			;;
		esac
		theirs=$(level "$folder")
		if [ "$theirs" = none ]; then
			[ "$own" = tools ] || complain "$file" "includes \"$inc\": spell it from agent/"
			continue
		fi
		[ "$folder" = "$own" ] && continue
		# Units and bounds: numbers only, for every level above base.
		[ "$inc" = core/units.h ] && [ "$own" != base ] && continue
		awk "BEGIN { exit !($theirs < $own_level) }" || complain "$file" "(level $own_level) includes $inc (level $theirs)"
	done
done
echo "layers: $passed includes looked at"
[ "$failed" -eq 0 ]
