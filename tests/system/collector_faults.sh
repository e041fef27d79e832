#!/bin/sh
# The collector when things go wrong around it: disk, clocks, versions, slow and hostile clients.
exec python3 "$(dirname "$0")/collector_faults.py" "${B:-build/release}"
