#!/bin/sh
# The collector with SQLite: endpoints, errors, tokens, certificates, kill -9 under load, a full disk.
exec python3 "$(dirname "$0")/collector_api.py" "${B:-build/release}"
