#!/bin/sh
# Runs the kernel tests on one Debian kernel in a software-emulated machine: no disk, no network, no modules; an
# initramfs with busybox and the static test program.
# Usage: tests/vm/boot.sh VERSION PROGRAM [ARGUMENT-OF-PROGRAM...]
# Environment: VM_SECONDS, time for one boot (default 1200); VM_MEMORY, in MiB (default 768); VM_EXTRA, a folder whose
# content the initramfs has, too.
# A machine that says nothing at its end (a panic, a hang) is started once more; then it is a failure.
set -eu
cd "$(dirname "$0")/../.."
version=$1 program=$2
shift 2
dir=build/kernels/$version
vm_seconds=${VM_SECONDS:-1200}

fail() {
	echo "FAIL vm-$version: $1"
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}

kernel=$(tests/vm/fetch.sh "$version") || fail "no kernel"
root=$dir/root
rm -rf "$root"
mkdir -p "$root/bin"
busybox=$(command -v busybox) || fail "no busybox"
cp "$busybox" "$root/bin/busybox"
[ -z "${VM_EXTRA:-}" ] || cp -r "$VM_EXTRA/." "$root"
cp tests/vm/init "$root/init"
cp tests/vm/skips "$root/skips"
cp "$program" "$root/kernel-test"
echo "$*" >"$root/arguments"
chmod 755 "$root/init" "$root/kernel-test"
# Shared libraries, should the program have any.
ldd "$program" 2>/dev/null | grep -oE '/[^ ]+' | while read -r library; do
	mkdir -p "$root$(dirname "$library")"
	cp -L "$library" "$root$library"
done
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$dir/initrd.gz"

# Without cmpxchg16b emulation is steadier, but 7.x needs it: its slab allocator fails in BPF otherwise.
cpu=max,-cx16
case $version in 7.*) cpu=max ;; esac

boot() {
	timeout -k 10 "$vm_seconds" qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu "$cpu" -smp 2 -m "${VM_MEMORY:-768}" \
		-nographic -no-reboot -nodefaults -serial stdio -kernel "$kernel" -initrd "$dir/initrd.gz" \
		-append "console=ttyS0 quiet panic=-1 mitigations=off psi=1 tsc=reliable" </dev/null 2>&1 |
		tr -d '\r' >"$dir/console.log"
}

for try in 1 2; do
	start=$(date +%s)
	boot || true
	took=$(($(date +%s) - start))
	rc=$(sed -n 's/.*EXIT:\([0-9]*\)$/\1/p' "$dir/console.log" | tail -n 1)
	[ -n "$rc" ] && break
	echo "vm-$version: try $try: no end after $took s; last lines:"
	tail -n 25 "$dir/console.log"
done
[ -n "$rc" ] || fail "the machine died or hung, twice"

# Firmware writes before the tests do, and the kernel its own lines among theirs.
sed -n '/kernel [0-9].*, up/,$p' "$dir/console.log" | sed '1s/.*kernel /kernel /' |
	grep -vE '^EXIT:|reboot: |^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' |
	sed "s/^\(PASS\|FAIL\|SKIP\) /\1 vm-$version: /"
echo "vm-$version: $(cat "$dir/package"), $took s"
line=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$dir/console.log" | tail -n 1)
[ -n "$line" ] || fail "the tests ended with $rc and without a closing line"
echo "$line"
exit "$rc"
