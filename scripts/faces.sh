#!/bin/sh
# What the faces of tests/faces run on, each in a virtual environment of its own: .venv-NAME from scripts/faces-NAME.txt.
# Names as arguments, else all of them. What is there already is left as it is.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
[ $# -gt 0 ] || set -- $(ls "$top"/scripts/faces-*.txt | sed 's|.*/faces-||; s|\.txt$||')
for name in "$@"; do
  list=$top/scripts/faces-$name.txt venv=$top/.venv-$name
  cmp -s "$list" "$venv/installed" && continue
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$list"
  cp "$list" "$venv/installed"
done
