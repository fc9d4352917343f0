#!/bin/sh
# What the tests use beside Rust: tmux for the screen, strace for faults. Installed from Debian where that is possible;
# a test whose tool is missing says that it was skipped.
set -eu
missing=
# Program and Debian package: the screen, faults, a keyring as a desktop has it.
for tool in tmux:tmux strace:strace dbus-run-session:dbus gnome-keyring-daemon:gnome-keyring; do
  command -v "${tool%:*}" >/dev/null 2>&1 || missing="$missing ${tool#*:}"
done
top=$(cd "$(dirname "$0")/.." && pwd)
# Reads the API's description and tries what it promises.
if [ ! -x "$top/.venv-api/bin/schemathesis" ]; then
  { python3 -m venv "$top/.venv-api" && "$top/.venv-api/bin/pip" install --quiet --disable-pip-version-check schemathesis==4.32.5; } ||
    echo "schemathesis is not to be had; its test says so and is skipped" >&2
fi
[ -z "$missing" ] && exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  apt-get update -qq >/dev/null
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
  echo "not installed:$missing (tests that need them say so and are skipped)" >&2
fi
