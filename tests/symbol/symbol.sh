#!/bin/sh
# Names of functions in programs as compilers and distributions make them: C++, stripped, symbols in files of their own.
set -eu
cd "$(dirname "$0")/../.."
B=${B:-build/release}
for program in "${CXX:-g++}" strip objcopy; do
	command -v "$program" >/dev/null || { echo "symbol: no $program here"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
done
dir=$(mktemp -d "$PWD/$B/symbol-XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

cxx() {
	out=$1
	shift
	"${CXX:-g++}" -O1 -fno-exceptions -fno-ipa-icf "$@" -o "$out" tests/symbol/shop.cc
}
cxx "$dir/whole" -pie -fPIE
# Static programs at fixed places, which also run where no library is.
cxx "$dir/static" -static -no-pie -Wl,--build-id=sha1
strip -o "$dir/stripped" "$dir/static"

# As distributions do: symbols in /usr/lib/debug, by build id; here in the root of a container.
id=$(readelf -n "$dir/static" | sed -n 's/.*Build ID: \([0-9a-f]*\)$/\1/p')
rest=${id#??}
debug=$dir/root/usr/lib/debug/.build-id/${id%"$rest"}
mkdir -p "$debug" "$dir/root/tmp"
objcopy --only-keep-debug "$dir/static" "$debug/$rest.debug"
cp "$dir/stripped" "$dir/root/shop"

# By name and checksum only; and one whose symbols were changed since.
cxx "$dir/linked-static" -static -no-pie -Wl,--build-id=none
mkdir -p "$dir/.debug"
for name in linked changed large; do
	objcopy --only-keep-debug "$dir/linked-static" "$dir/.debug/$name.debug"
	[ $name != large ] || truncate -s +33M "$dir/.debug/$name.debug" # more than is read for it
	(cd "$dir/.debug" && objcopy --strip-all --add-gnu-debuglink=$name.debug ../linked-static ../$name)
done
printf 'x' >>"$dir/.debug/changed.debug"

"$B/symbol-test" "$dir"
