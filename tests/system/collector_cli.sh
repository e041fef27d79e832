#!/bin/sh
# podfit report, explain, leaks and compare with a collector as their source.
[ -x "${B:-build/release}/fleet" ] || make -s "${B:-build/release}/fleet" || exit 1
exec python3 "$(dirname "$0")/collector_cli.py" "${B:-build/release}"
