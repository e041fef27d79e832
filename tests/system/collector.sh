#!/bin/sh
# The collector with SQLite: endpoints, errors, tokens, certificates and their renewal, sums, kill -9 under load.
[ -x "${B:-build/release}/fleet" ] || make -s "${B:-build/release}/fleet" || exit 1
exec python3 "$(dirname "$0")/collector_api.py" "${B:-build/release}"
