#!/bin/sh
# Leaks and innocents on one Debian kernel in a software-emulated machine with cgroup v2: also the kinds that v1 does not
# account, socket buffers and kernel objects. The agent is the real one; what it said is looked into on this side.
# Usage: tests/vm/leaks.sh VERSION
set -eu
cd "$(dirname "$0")/../.."
version=$1
B=${B:-build/release}
leaks="malloc mmap threads forks shmem sockets semaphores"
innocents="plateau saw batch"
skipped=0
dir=build/kernels/$version-leaks
rm -rf "$dir"
mkdir -p "$dir/root/leaks"
trap 'rm -rf "$dir/root"' EXIT
trap 'exit 130' INT TERM

fail() {
	echo "FAIL vm-$version: leaks: $1"
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}

"${CC:-cc}" -O1 -fno-omit-frame-pointer -fno-optimize-sibling-calls -pthread -D_GNU_SOURCE -static \
	-o "$dir/root/leaks/zoo" tests/system/leaks/zoo.c || fail "the zoo does not compile"
strip --strip-debug -o "$dir/root/leaks/podfit-agent" "$B/podfit-agent"
ldd "$B/podfit-agent" | grep -oE '/[^ ]+' | while read -r library; do
	mkdir -p "$dir/root$(dirname "$library")"
	cp -L "$library" "$dir/root$library"
done
tests/vm/fetch.sh "$version" >/dev/null || fail "no kernel"
if [ -f "build/kernels/$version/brd.ko" ]; then
	cp "build/kernels/$version/brd.ko" "$dir/root/leaks/brd.ko"
	innocents="cache $innocents"
else
	echo "SKIP vm-$version: leaks: cache: the package of this kernel has no disk to read from (brd)"
	skipped=1
fi
echo "$leaks $innocents" >"$dir/root/leaks/behaviours"
echo "$leaks" | wc -w >"$dir/root/leaks/nr"
echo 200s >"$dir/root/leaks/duration"

VM_EXTRA="$dir/root" VM_MEMORY=1536 VM_SECONDS=${VM_SECONDS:-400} tests/vm/boot.sh "$version" tests/vm/leaks-guest \
	>"$dir/log" || { cat "$dir/log"; exit 1; }
sed -n '/REPORTS [0-9]*$/,/END OF REPORTS/p' "$dir/log" | grep -E '^[A-Za-z0-9+/=]+$' | base64 -d | gzip -dc \
	>"$dir/reports" || fail "no reports came"
sed -e '/REPORTS [0-9]*$/,/END OF REPORTS/d' -e '/^1 passed, /d' "$dir/log"
rc=$(sed -n 's/.*REPORTS \([0-9]*\)$/\1/p' "$dir/log")
"$B/podfit" decode -o json "$dir/reports" >"$dir/reports.json" || rc=1
# shellcheck disable=SC2086 # one word a behaviour
SKIPPED=$skipped python3 tests/system/leaks/check.py "$dir/reports.json" podfit-leaks "${rc:-1}" - $leaks $innocents |
	sed "s/^\(ok  *\|FAILED  *\|SKIPPED  *\)/\1vm-$version: /"
