#!/bin/sh
# Looks at the whole tree; every checker is one test. Usage: tools/lint.sh [CHECK...]
set -u
cd "$(dirname "$0")/.." || exit
passed=0 failed=0 skipped=0
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT TERM
jobs=$(nproc)

files() {
	git ls-files -co --exclude-standard -- "$@" | sort -u | while read -r f; do [ -f "$f" ] && echo "$f"; done
}

# check NAME TOOL COMMAND...: what the command prints is shown if it fails.
check() {
	name=$1 tool=$2
	shift 2
	case " $wanted " in *" $name "* | "  ") ;; *) return ;; esac
	if ! command -v "$tool" >/dev/null; then
		echo "SKIP $name: no $tool; tools/deps.sh lint"
		skipped=$((skipped + 1))
	elif "$@" >"$out" 2>&1; then
		echo "PASS $name"
		passed=$((passed + 1))
	else
		head -n 120 "$out"
		echo "FAIL $name"
		failed=$((failed + 1))
	fi
}

format() {
	files '*.c' '*.h' | xargs -P "$jobs" -n 20 clang-format --dry-run -Werror
}

banned() {
	# Unbounded copies, and conversions that cannot say that they failed.
	! files '*.c' '*.h' | xargs grep -nE \
		'(^|[^a-zA-Z0-9_])(strcpy|strcat|sprintf|vsprintf|atoi|atol|strtok|gets)[ \t]*\('
}

layers() {
	tools/check-layers.sh
}

shell() {
	{
		files '*.sh' .ci/run tests/vm/init
		files | while read -r f; do head -c 20 "$f" | head -n 1 | grep -qaE '^#!/bin/(ba)?sh' && echo "$f"; done
	} | sort -u | xargs shellcheck -S warning
}

# Without what it cannot see: cleanup attributes (leaks: the sanitizers look), loops of no round (uninitvar: the compiler
# and clang-tidy look).
cpp_check() {
	files '*.c' | grep -v '\.bpf\.c$' | xargs cppcheck -q -j "$jobs" --std=c11 --language=c --error-exitcode=1 \
		--inline-suppr --enable=warning,portability --library=posix --library=gnu -D_GNU_SOURCE \
		--suppress=missingIncludeSystem --suppress=unknownMacro --suppress=readdirCalled --suppress=uninitvar \
		--suppress=resourceLeak --suppress=memleak --suppress=leakReturnValNotUsed --suppress=zerodivcond \
		--suppress=invalidFunctionArgBool --suppress=duplicateAssignExpression \
		-Iagent -Itools -Itests -Ibpf
}

tidy() {
	# Needs the generated headers, as the build does.
	make -s generated >/dev/null || return 1
	# shellcheck disable=SC2016 # the inner shell's arguments
	files 'agent/*.c' 'tools/*.c' | grep -v '\.bpf\.c$' | xargs -P "$jobs" -n 4 sh -c \
		'clang-tidy --quiet 2>/dev/null --warnings-as-errors="*" "$@" -- -std=gnu11 -D_GNU_SOURCE -DPF_VERSION=\"\" \
		-Iagent -Itools -Itools/bench -Itests -Ibpf -Ibuild/gen -I/usr/include/postgresql' clang-tidy
}

wanted=$*
check layers git layers
check banned grep banned
check format clang-format format
check shellcheck shellcheck shell
check cppcheck cppcheck cpp_check
check clang-tidy clang-tidy tidy
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
