#!/bin/sh
# nextest where it is installed: it runs tests in parallel processes. Otherwise cargo's own runner.
set -eu
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --workspace --no-fail-fast
else
  cargo test --workspace --no-fail-fast
fi
