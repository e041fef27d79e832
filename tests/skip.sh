#!/bin/sh
# Stands where a test cannot run on this machine: one skip, with its reason.
# Usage: tests/skip.sh NAME REASON...
name=$1
shift
echo "SKIP $name: $*"
echo "0 passed, 0 failed, 1 skipped"
