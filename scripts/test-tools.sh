#!/bin/sh
# What the tests use beside Rust. Installed from Debian where that is possible; a test whose tool is missing says that it was
# skipped.
set -eu
missing=
# Program and Debian package: the screen, faults, a keyring as a desktop has it, an authority for certificates, what the fuzzer's
# own part is compiled with, keys of all sorts, what Spark runs on.
for tool in tmux:tmux strace:strace dbus-run-session:dbus gnome-keyring-daemon:gnome-keyring pebble:pebble c++:g++ openssl:openssl \
  java:openjdk-17-jre-headless; do
  command -v "${tool%:*}" >/dev/null 2>&1 || missing="$missing ${tool#*:}"
done
# The real server that sources are tested against.
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || missing="$missing postgresql"
top=$(cd "$(dirname "$0")/.." && pwd)
# Two that read the API's description: one tries what it promises, one makes a client of it.
fuzzer=schemathesis==4.32.5 generator=openapi-python-client==0.29.1
have() { [ "$(cat "$top/.venv-api/installed" 2>/dev/null)" = "$fuzzer $generator" ]; }
if ! have; then
  { python3 -m venv "$top/.venv-api" &&
    "$top/.venv-api/bin/pip" install --quiet --disable-pip-version-check "$fuzzer" "$generator" &&
    echo "$fuzzer $generator" > "$top/.venv-api/installed"; } ||
    echo "$fuzzer and $generator are not to be had; their tests say so and are skipped" >&2
fi
# Leads the fuzz targets.
if [ "$("$top/.tools/bin/cargo-fuzz" --version 2>/dev/null)" != "cargo-fuzz 0.13.2" ]; then
  cargo install --quiet --locked --root "$top/.tools" cargo-fuzz@0.13.2 ||
    echo "cargo-fuzz is not to be had; the fuzz targets are skipped" >&2
fi
[ -z "$missing" ] && exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  apt-get update -qq >/dev/null
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
  echo "not installed:$missing (tests that need them say so and are skipped)" >&2
fi
