#!/bin/sh
# Looks for the Debian packages podfit needs. As root it installs the missing ones with apt and says which; otherwise
# it prints the command and ends with 2.
# Usage: tools/deps.sh build|test|lint|system|vm|bench|all ...
set -eu

packages() {
	case $1 in
	build) echo make gcc libc6-dev clang llvm bpftool pkg-config protobuf-compiler protobuf-c-compiler libbpf-dev \
		libelf-dev zlib1g-dev libdeflate-dev libprotobuf-c-dev libcurl4-openssl-dev libmicrohttpd-dev libyajl-dev libyaml-dev \
		libsqlite3-dev libpq-dev libncurses-dev libcap-dev ;;
	test)
		echo libcunit1-dev g++ git jq curl python3 openssl
		command -v kubectl >/dev/null || echo kubernetes-client
		;;
	lint) echo clang-format clang-tidy cppcheck shellcheck git ;;
	system) echo postgresql containerd runc busybox-static python3 chromium prometheus curl jq openssl util-linux ;;
	vm) echo qemu-system-x86 busybox-static cpio gzip ;;
	bench) echo libbpf-tools libfaketime curl ;;
	*)
		echo "tools/deps.sh: $1 is none of: build test lint system vm bench all" >&2
		return 1
		;;
	esac
}

[ $# -gt 0 ] || { echo "usage: tools/deps.sh build|test|lint|system|vm|bench|all ..." >&2; exit 2; }
case " $* " in *" all "*) set -- build test lint system vm bench ;; esac

if ! command -v dpkg-query >/dev/null; then
	echo "deps: this is no Debian system; have these packages' equivalents: $(for class; do packages "$class"; done | tr '\n' ' ')" >&2
	exit 0
fi

missing=""
for class; do
	wanted=$(packages "$class") || exit 2
	for package in $wanted; do
		case " $missing " in *" $package "*) continue ;; esac
		# A package may be there under its architecture's name, or provided by another (libcurl4-*-dev).
		[ "$(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | head -n 1)" = installed ] ||
			missing="$missing $package"
	done
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "deps: missing:$missing" >&2
	echo "deps: as root: apt-get install --no-install-recommends$missing" >&2
	exit 2
fi

echo "deps: installing$missing" >&2
log=$(mktemp)
trap 'exit 130' INT TERM
trap 'rm -f "$log"' EXIT
# No service of a package that is only needed as a program may start on this machine (PostgreSQL, Prometheus, containerd).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	trap 'rm -f "$log" "$policy"' EXIT
fi
install() {
	# shellcheck disable=SC2086 # one word a package
	DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install -y -q \
		--no-install-recommends $missing >>"$log" 2>&1
}
# The package lists may be absent or old: fetch them, and once more if the first try met a file that is gone.
if ! { apt-get -o Acquire::Retries=3 update -q >>"$log" 2>&1 && install; } &&
	! { sleep 5 && apt-get -o Acquire::Retries=3 update -q >>"$log" 2>&1 && install; }; then
	tail -n 30 "$log" >&2
	echo "deps: apt could not install$missing" >&2
	exit 2
fi
