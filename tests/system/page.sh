#!/bin/sh
# The sample pages, and those of a collector with a simulated fleet, in a real browser: parsed without complaint, the facts are in the tree it builds, nothing is
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
trap 'exit 130' INT TERM
passed=0 failed=0 skipped=0

check() { # NAME COMMAND...
	what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED $what"
		return 1
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
lacks_any() { # FILE EXPRESSION
	if [ ! -s "$1" ] || grep -E -- "$2" "$1"; then
		echo "$(basename "$1"): empty, or it has what should not be there: $2"
		return 1
	fi
}
quiet() { # LOG: no message of the page in the browser's console (a broken rule of the content policy is one)
	[ -f "$1" ] && ! grep -F ':CONSOLE' "$1"
}

mkdir "$work/pages"
"$B/page-samples" "$work/pages" >/dev/null || exit 1

# ---- a real collector's, with a fleet of two days; the pages are kept as files, so that all of this can look at them ----
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
cat >"$work/policy.yaml" <<'END'
apiVersion: podfit.io/v1
kind: Policy
prices: { currency: EUR, cpuCoreHour: 0.03, memoryGiBHour: 0.004 }
rules:
  - match: { workload: "checkout-api-*" }
    class: api-gateway
END
"$B/podfit-collector" "--store=sqlite:$work/podfit.db" "--policy.file=$work/policy.yaml" "--web.listen-address=127.0.0.1:$port" --merge.interval=300ms \
	--log.level=warning 2>"$work/collector.log" &
collector=$!
trap 'kill "$collector" 2>/dev/null; rm -rf "$work"' EXIT
fetch() { # NAME PATH STATUS
	got=$(curl -s -D "$work/head" -o "$work/pages/$1.html" -w '%{http_code}' "$url$2")
	check "$1: status $3" [ "$got" = "$3" ] || echo "got $got"
	check "$1: a policy that lets nothing in" grep -qi "^Content-Security-Policy: default-src 'none'" "$work/head"
	check "$1: no script" lacks "$work/pages/$1.html" '<script'
	check "$1: nothing from elsewhere" lacks_any "$work/pages/$1.html" ' (src|href|action|srcset)="(https?:|//)'
}
settled() { # waits until the collector has merged what it has, and has looked for late hours
	tries=0
	until curl -sf "$url/v1/fleet" | grep -q '"nr_nodes": 3' && curl -s "$url$1" | grep -q 'CPU over time' &&
		! curl -s "$url$1" | grep -q 'Less than two hours'; do
		tries=$((tries + 1))
		[ "$tries" -lt 90 ] || return 1
		sleep 1
	done
}
tries=0
until curl -sf "$url/startupz" >/dev/null; do
	tries=$((tries + 1))
	[ "$tries" -lt 100 ] || break
	sleep 0.1
done
fetch real-empty / 200
fetch real-nodes-empty /nodes 200
if check "real: a fleet reports" "$B/fleet" "--url=$url" --nodes=3 --containers=40 --replicas=4 --hours=30 2>/dev/null; then
	page=/workloads/sim/team-00/Deployment/checkout-api-0/app
	check "real: merged with its history" settled "$page"
	fetch real-fleet '/' 200
	fetch real-fleet-filtered '/?sort=-savings&verdict=CPU_THROTTLED&q=a' 200
	fetch real-fleet-none '/?q=no-such-workload' 200
	fetch real-nodes '/nodes?sort=-containers' 200
	fetch real-workload "$page" 200
	leaking=$(curl -s "$url/v1/workloads?verdict=MEMORY_LEAK" | sed -n 's/.*"href": "\/v1\([^"]*\)".*/\1/p' | head -n 1)
	fetch real-leak "$leaking" 200
	fetch real-daemonset /workloads/sim/kube-system/DaemonSet/log-shipper/shipper 200
	fetch real-compare "/compare?stable=workload%3Dcheckout-api-0&canary=workload%3Dcheckout-api-1" 200
	fetch real-compare-nobody "/compare?stable=workload%3Dnobody&canary=workload%3Dnone" 200
	fetch real-compare-wrong "/compare?stable=x%3D%3D&canary=b" 200
	fetch real-unknown /workloads/sim/x/Pod/y/z 404
	fetch real-wrong '/?sort=x' 400
fi

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

check "real fleet: its workloads" has "$work/real-fleet.dom" 'checkout-api-0'
check "real fleet: quota advice" has "$work/real-fleet.dom" 'requests.cpu'
check "real fleet: sorted" has "$work/real-fleet-filtered.dom" 'aria-sort="descending"'
check "real fleet: filtered" has "$work/real-fleet-filtered.dom" '<option value="CPU_THROTTLED" selected'
check "real fleet: none fits" has "$work/real-fleet-none.dom" 'class="empty"'
check "real workload: over time" has "$work/real-workload.dom" 'demand, highest 100 ms'
check "real workload: limit curve" has "$work/real-workload.dom" 'What another CPU limit would do'
check "real workload: waits" has "$work/real-workload.dom" 'Waiting for a CPU'
check "real workload: stalls" has "$work/real-workload.dom" 'Stalled by its own quota'
check "real workload: patch" has "$work/real-workload.dom" 'kubectl patch deployment'
check "real workload: why" has "$work/real-workload.dom" 'How these numbers came about'
check "real daemonset: by class of node" has "$work/real-daemonset.dom" 'on nodes of class'
check "real fleet: classes" has "$work/real-fleet.dom" 'Sums over all instances by workload class'
check "real fleet: money" has "$work/real-fleet.dom" 'EUR'
check "real leak: forecast" has "$work/real-leak.dom" 'forecast'
check "real compare: hours" has "$work/real-compare.dom" 'in which both ran'

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

# ---- reading: contrast of every text as drawn, in both colour schemes; names, labels, headings ----
cat >"$work/reading.html" <<'END'
<!DOCTYPE html><title>reading</title><body><script>
const out = [];
let left = 0, looked = 0;
const parts = c => c.match(/[\d.]+/g).map(Number);
const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const luminance = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
function ground(view, e) { // of the nearest element with one
	for (; e; e = e.parentElement) {
		const c = parts(view.getComputedStyle(e).backgroundColor);
		if (c.length < 4 || c[3] > 0.5) return c;
	}
	return [255, 255, 255];
}
function look(name, doc) {
	const view = doc.defaultView, say = text => out.push(`${name}: ${text}`);
	const walk = doc.createTreeWalker(doc.body, NodeFilter.SHOW_TEXT);
	for (let node; (node = walk.nextNode());) {
		const e = node.parentElement, style = view.getComputedStyle(e);
		if (!node.data.trim() || e.closest(".sr, .skip, title, desc, option") || !e.getClientRects().length) continue;
		const svg = e instanceof view.SVGElement;
		const a = luminance(parts(svg ? style.fill : style.color)), b = luminance(ground(view, svg ? e.closest("div") : e));
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		looked++;
		if (ratio < 4.5) say(`contrast ${ratio.toFixed(2)} of "${node.data.trim().slice(0, 30)}" in ${e.tagName}.${e.getAttribute("class")}`);
	}
	for (const e of doc.querySelectorAll("svg[role=img]")) if (!e.querySelector("title")?.textContent.trim()) say("a drawing without a name");
	for (const e of doc.querySelectorAll("svg")) if (!e.closest("[aria-hidden]") && e.getAttribute("role") !== "img") say("a drawing that is neither named nor hidden");
	for (const e of doc.querySelectorAll("input:not([type=hidden]), select")) if (!e.labels.length) say(`no label: ${e.name}`);
	for (const e of doc.querySelectorAll("th")) if (!e.scope) say("a heading cell without scope");
	for (const e of doc.querySelectorAll("table")) if (!e.caption) say("a table without caption");
	for (const e of doc.querySelectorAll("a")) if (!e.textContent.trim()) say("a link without words");
	for (const e of doc.querySelectorAll("a[href^='#']")) if (!doc.getElementById(e.getAttribute("href").slice(1))) say(`a link to nowhere: ${e.getAttribute("href")}`);
	if (doc.querySelectorAll("h1").length !== 1) say("not one first heading");
	let level = 1;
	for (const e of doc.querySelectorAll("h1, h2, h3, h4")) {
		if (e.tagName[1] > level + 1) say(`a heading level is left out before "${e.textContent}"`);
		level = +e.tagName[1];
	}
	for (const mark of ["header", "main", "footer"]) if (doc.querySelectorAll(mark).length !== 1) say(`not one ${mark}`);
}
for (const name of location.hash.slice(1).split(",")) {
	const frame = document.createElement("iframe");
	left++;
	frame.width = 1280; frame.height = 2000; frame.src = "pages/" + name + ".html";
	frame.onload = () => {
		for (const fold of frame.contentDocument.querySelectorAll("details")) fold.open = true;
		look(name, frame.contentDocument);
		if (!--left) { const p = document.createElement("pre"); p.textContent = `texts looked at: ${looked}\nfaults: ${out.length}\n` + out.join("\n"); document.body.replaceChildren(p); }
	};
	document.body.append(frame);
}
</script></body>
END
for scheme in 1 0; do # light, dark
	check "reading, scheme $scheme: done" chrome "$work/reading.log" --virtual-time-budget=20000 \
		"--blink-settings=preferredColorScheme=$scheme" --dump-dom "file://$work/reading.html#$names" >"$work/reading.dom"
	check "reading, scheme $scheme: looked" grep -q 'texts looked at: [0-9]\{4\}' "$work/reading.dom"
	check "reading, scheme $scheme: no fault" grep -qx 'faults: 0' "$work/reading.dom" ||
		sed -n '/faults: /,/<.pre>/p' "$work/reading.dom" | sort | uniq -c | sort -rn | head -n 20
done

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
