#!/bin/sh
# The sample pages in a real browser: parsed without complaint, the facts are in the tree it builds, nothing is
# fetched, nothing sticks out sideways on a phone, and the print holds what was folded away.
set -u
B=${B:-build/release}
browser=$(command -v chromium || command -v chromium-browser) || browser=
if [ -z "$browser" ]; then
	echo "skipped: no Chromium here (Debian: chromium)"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
if [ ! -x "$B/page-samples" ]; then
	make -s "$B/page-samples" || exit 1
fi
work=$(mktemp -d /tmp/pf-page.XXXXXX)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

check() { # NAME COMMAND...
	what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED $what"
	fi
}

chrome() { # LOG ARGUMENT...: one run of the browser with a profile of its own; the page goes to stdout
	log=$1
	shift
	profile=$(mktemp -d "$work/profile.XXXXXX")
	timeout 90 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
		--disable-background-networking --disable-component-update --disable-sync --hide-scrollbars \
		--allow-file-access-from-files --enable-logging=stderr --user-data-dir="$profile" "$@" 2>"$log"
	rc=$?
	rm -rf "$profile"
	return $rc
}

has() { # FILE TEXT
	grep -qF -- "$2" "$1" && return
	echo "$(basename "$1"): not there: $2"
	return 1
}
lacks() {
	if [ ! -s "$1" ] || grep -F -- "$2" "$1"; then
		echo "$(basename "$1"): empty, or it has what should not be there: $2"
		return 1
	fi
}
quiet() { # LOG: no message of the page in the browser's console (a broken rule of the content policy is one)
	[ -f "$1" ] && ! grep -F ':CONSOLE' "$1"
}

mkdir "$work/pages"
"$B/page-samples" "$work/pages" >/dev/null || exit 1

# ---- parsed, and nothing in the console ----
for file in "$work"/pages/*.html; do
	name=$(basename "$file" .html)
	check "$name: rendered" chrome "$work/$name.log" --dump-dom "file://$file" >"$work/$name.dom"
	check "$name: quiet" quiet "$work/$name.log"
	check "$name: whole" has "$work/$name.dom" '</footer>'
	if command -v xmllint >/dev/null; then
		check "$name: well-formed" xmllint --noout "$file"
	else
		skipped=$((skipped + 1))
	fi
done

# ---- facts, as the browser's tree has them ----
check "fleet: freshness" has "$work/fleet.dom" '18 silent, the longest was heard 12 min 34 s ago'
check "fleet: filter" has "$work/fleet.dom" '<option value="CPU_THROTTLED">throttled</option>'
check "fleet: sorted" has "$work/fleet.dom" 'aria-sort="descending"'
check "fleet: leak" has "$work/fleet.dom" '(3 h 24 min to 4 h 48 min)'
check "hostile: no element made of a name" lacks "$work/fleet-hostile.dom" '<img'
check "hostile: the name is text" has "$work/fleet-hostile.dom" '&lt;img src=x onerror=alert(1)&gt;'
check "hostile nodes: no element made of a name" lacks "$work/nodes-hostile.dom" '<img'
check "throttled: curve" has "$work/workload-throttled.dom" 'measured 24.1 %'
check "throttled: patch" has "$work/workload-throttled.dom" 'cpu: 1200m'
check "leak: forecast" has "$work/workload-leak.dom" 'forecast'
check "leak: stack" has "$work/workload-leak.dom" 'Session::remember(Request const&amp;)'
check "unknown: said" has "$work/workload-unknown.dom" 'Run-queue latency was not measured.'
check "report: anchors" has "$work/report.dom" 'id="w3"'
check "compare: verdict" has "$work/compare.dom" 'ROLLBACK'

# ---- widths: a page that frames each sample, and measures it ----
cat >"$work/widths.html" <<'END'
<!DOCTYPE html><title>widths</title><body><script>
const widths = [360, 390, 768, 1280], out = [];
let left = 0;
for (const name of location.hash.slice(1).split(","))
	for (const width of widths) {
		const frame = document.createElement("iframe");
		left++;
		frame.width = width; frame.height = 800; frame.src = "pages/" + name + ".html";
		frame.onload = () => {
			const root = frame.contentDocument.documentElement;
			out.push(`${name} at ${width}: ${root.scrollWidth > width ? "too wide, " + root.scrollWidth : "fits"}`);
			for (const text of frame.contentDocument.querySelectorAll(".tick.x")) {
				const box = text.getBoundingClientRect();
				if (box.width && box.right > width) out.push(`${name} at ${width}: a label is cut: ${text.textContent}`);
			}
			if (!--left) { const p = document.createElement("pre"); p.id = "out"; p.textContent = out.sort().join("\n"); document.body.replaceChildren(p); }
		};
		document.body.append(frame);
	}
</script></body>
END
names='' nr_pages=0
for file in "$work"/pages/*.html; do
	names=$names${names:+,}$(basename "$file" .html) nr_pages=$((nr_pages + 1))
done
check "widths: measured" chrome "$work/widths.log" --virtual-time-budget=20000 --dump-dom "file://$work/widths.html#$names" >"$work/widths.dom"
check "widths: every page at every width" [ "$(grep -c ': fits\|too wide' "$work/widths.dom")" -eq $((nr_pages * 4)) ]
check "widths: nothing sticks out" lacks "$work/widths.dom" 'too wide'
check "widths: no label is cut" lacks "$work/widths.dom" 'a label is cut'

# ---- paper ----
if command -v pdftotext >/dev/null; then
	check "print" chrome "$work/print.log" --no-pdf-header-footer --print-to-pdf="$work/print.pdf" \
		"file://$work/pages/workload-throttled.html"
	pdftotext -layout "$work/print.pdf" "$work/print.txt"
	check "print: what was folded away" has "$work/print.txt" 'Demand is use plus throttled time'
	check "print: no navigation" lacks "$work/print.txt" 'Compare'
else
	skipped=$((skipped + 1))
	echo "skipped: no pdftotext here (Debian: poppler-utils)"
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
