#!/bin/sh
# The agent on a fake cgroup tree; needs python3, and protoc to decode OTLP.
cd "$(dirname "$0")/../.." || exit 1
for program in python3 protoc; do
	command -v $program >/dev/null || {
		echo "agent: no $program here"
		echo "0 passed, 0 failed, 1 skipped"
		exit 0
	}
done
exec python3 tests/agent/agent_test.py "${B:-build/release}"
