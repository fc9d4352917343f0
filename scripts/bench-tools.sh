#!/bin/sh
# The peers: duckdb-cli and ydata-profiling from PyPI in a virtual environment, psql and its server from Debian.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
venv=$top/.venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet duckdb-cli==1.5.6 fastapi==0.128.0 uvicorn==0.40.0
if [ -z "${WHARF_BENCH_QUICK:-}" ]; then
  "$venv/bin/pip" install --quiet ydata-profiling==4.18.1 pyarrow setuptools || echo "ydata-profiling is not to be had; its row is left out" >&2
fi
if ! command -v wrk >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  apt-get update -qq >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends wrk >/dev/null
fi
if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  apt-get update -qq >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
fi
