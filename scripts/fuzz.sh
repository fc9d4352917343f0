#!/bin/sh
# fuzz.sh SECONDS [TARGET...]: runs the fuzz targets of fuzz/ one after the other, each so many seconds. They are built with the
# coverage that libFuzzer is led by, and without a sanitizer, so that stable Rust will do. What was found stands in
# fuzz/artifacts/TARGET/ and is played again with: .tools/bin/cargo-fuzz fuzz run --fuzz-dir fuzz --sanitizer none TARGET FILE
set -eu
seconds=$1
shift
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
fuzzer=$top/.tools/bin/cargo-fuzz
if [ ! -x "$fuzzer" ]; then
  echo "skipped: cargo-fuzz is not installed (scripts/test-tools.sh installs it)" >&2
  exit 0
fi
[ $# -gt 0 ] || set -- policy rewrite
target=${CARGO_TARGET_DIR:-$top/target}/fuzz
for name in "$@"; do
  # Seeds are the statements of the policy's own lists; what they grow into is kept beside, for the next run.
  corpus=$target/corpus/$name
  python3 scripts/fuzz_seeds.py "$corpus"
  "$fuzzer" fuzz run --fuzz-dir fuzz --sanitizer none --target-dir "$target" "$name" "$corpus" -- \
    -seed=1 -max_total_time="$seconds" -timeout=2 -rss_limit_mb=1024 -max_len=4096 -verbosity=0 -print_final_stats=1 2>&1 |
    tee "$target/$name.log" | grep -E 'stat::(number_of_executed|peak)|panicked|ERROR|SUMMARY|artifact' || true
  # A log without the last figures is one of a run that broke off.
  if ! grep -q 'stat::number_of_executed_units' "$target/$name.log" || grep -q 'SUMMARY: ' "$target/$name.log"; then
    tail -n 40 "$target/$name.log" >&2
    exit 1
  fi
done
