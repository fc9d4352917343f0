#!/bin/sh
# Puts ReDoc's bundle into .redoc/, checked against a pinned SHA-256. wharfd carries it, so that /redoc loads nothing from elsewhere.
set -eu
sum=01ba9840ed89ca7862268d8d21892bcaa54e0fce6a62941faf12021834cd2032
top=$(cd "$(dirname "$0")/.." && pwd)
if [ -f "$top/.redoc/$sum" ]; then exit 0; fi
file=$(sh "$top/scripts/npm-pack.sh" redoc 2.5.1 "$sum")
rm -rf "$top/.redoc.new"
mkdir "$top/.redoc.new"
tar -xzf "$file" -C "$top/.redoc.new" --strip-components=2 package/bundles/redoc.standalone.js
: > "$top/.redoc.new/$sum"
rm -rf "$top/.redoc"
mv "$top/.redoc.new" "$top/.redoc"
