#!/bin/sh
# Fetches one Debian kernel and prints the path of its image: build/kernels/<version>/vmlinuz. Nothing is installed.
# A private apt configuration takes the address of this machine's own Debian source and only changes the suite.
# Usage: tests/vm/fetch.sh VERSION      VERSION: 6.1 (bookworm), 6.12 (trixie), 7.2 (forky)
set -eu
cd "$(dirname "$0")/../.."
version=$1
case $version in
6.1) suite=bookworm ;;
6.12) suite=trixie ;;
7.*) suite=forky ;; # testing: its kernel moves on; see below
*)
	echo "fetch: which suite has $version? known: 6.1 6.12 7.2" >&2
	exit 2
	;;
esac
[ "$(uname -m)" = x86_64 ] || { echo "fetch: the matrix is for x86_64" >&2; exit 2; }

keep=$PWD/build/kernels
dir=$keep/$version
[ -s "$dir/vmlinuz" ] && { echo "$dir/vmlinuz"; exit 0; }

# "deb URI suite ..." lines and deb822 files alike; the main archive only, security updates have another layout.
uri=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
	sed -n -e 's/^URIs:[ \t]*\([^ \t]*\).*/\1/p' -e 's/^deb[ \t]\{1,\}\(\[[^]]*\][ \t]*\)\{0,1\}\([^ \t]*\).*/\2/p' |
	grep -E '/debian/?$' | head -n 1)
[ -n "$uri" ] || { echo "fetch: no Debian source in /etc/apt to take the address from" >&2; exit 2; }

apt=$keep/apt/$suite
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/parts" "$dir"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] $uri $suite main" >"$apt/sources.list"
cat >"$apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/parts";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache";
Dir::Cache::archives "$apt/cache/archives";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::Retries "3";
CONF
export APT_CONFIG="$apt/apt.conf"
apt-get update -q >"$apt/log" 2>&1 || { sleep 5; apt-get update -q >"$apt/log" 2>&1; } || {
	tail -n 20 "$apt/log" >&2
	echo "fetch: no package lists for $suite" >&2
	exit 1
}

# Up to 6.12 the image is in linux-image-<abi>-cloud-amd64-unsigned, from 7.0 on in linux-binary-<abi>-cloud-amd64.
candidates() {
	apt-cache pkgnames linux- | grep -E "^linux-(image-$1.*-cloud-amd64-unsigned|binary-$1.*-cloud-amd64)\$" |
		grep -v -e -rt- -e -dbg | sort -V
}
package=$(candidates "$(echo "$version" | sed 's/\./\\./')[.+-]" | tail -n 1)
if [ -z "$package" ]; then
	package=$(candidates '[0-9]' | tail -n 1)
	[ -n "$package" ] || { echo "fetch: $suite has no cloud kernel" >&2; exit 1; }
	echo "fetch: $suite has no $version any more: taking $package in its place" >&2
fi

echo "fetch: $package from $suite" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
(cd "$work" && { apt-get download -q "$package" || { sleep 5; apt-get download -q "$package"; }; }) >>"$apt/log" 2>&1 || {
	tail -n 20 "$apt/log" >&2
	echo "fetch: $package cannot be had" >&2
	exit 1
}
dpkg-deb -x "$work"/*.deb "$work/x"
image=$(find "$work/x" -name 'vmlinuz*' -type f | head -n 1)
[ -n "$image" ] || { echo "fetch: no vmlinuz in $package" >&2; exit 1; }
echo "$package" >"$dir/package"
# A disk in memory, where the package has it: the only module that is ever loaded, by tests that need a disk's cache.
module=$(find "$work/x" -name 'brd.ko*' -type f | head -n 1)
case $module in
*.xz) xz -dc "$module" >"$dir/brd.ko" ;;
*.ko) cp "$module" "$dir/brd.ko" ;;
esac
cp "$image" "$dir/vmlinuz.part"
mv "$dir/vmlinuz.part" "$dir/vmlinuz"
# The lists are large and only of use for a moment.
rm -rf "$apt"
echo "$dir/vmlinuz"
