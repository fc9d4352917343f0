#!/bin/sh
# Puts the official prebuilt libduckdb into .libduckdb/, checked against a pinned SHA-256.
# The npm package carries the library alone; the Rust bindings come pregenerated, so no header is needed.
set -eu
version=1.5.6-r.1
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-x64 sum=1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff ;;
  *) echo "no prebuilt libduckdb is pinned for $(uname -s)-$(uname -m); build with: cargo build --release --features bundled" >&2; exit 1 ;;
esac
top=$(cd "$(dirname "$0")/.." && pwd)
mark=bound-$sum
if [ -f "$top/.libduckdb/$mark" ]; then exit 0; fi
file=$(sh "$top/scripts/npm-pack.sh" "@duckdb/node-bindings-$platform" "$version" "$sum")
rm -rf "$top/.libduckdb.new"
mkdir "$top/.libduckdb.new"
tar -xzf "$file" -C "$top/.libduckdb.new" --strip-components=1 package/libduckdb.so
mv "$top/.libduckdb.new/libduckdb.so" "$top/.libduckdb.new/as-published.so"
python3 "$top/scripts/bind_library.py" "$top/.libduckdb.new/as-published.so" "$top/.libduckdb.new/libduckdb.so"
rm "$top/.libduckdb.new/as-published.so"
: > "$top/.libduckdb.new/$mark"
rm -rf "$top/.libduckdb"
mv "$top/.libduckdb.new" "$top/.libduckdb"
