#!/bin/sh
# The metadata sources against the stub; needs python3 and openssl (for throw-away certificates).
cd "$(dirname "$0")/../.." || exit 1
for program in python3 openssl; do
	command -v $program >/dev/null || {
		echo "meta: no $program here"
		echo "0 passed, 0 failed, 1 skipped"
		exit 0
	}
done
exec python3 tests/meta/meta_test.py "${B:-build/release}/meta-probe"
