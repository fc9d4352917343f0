#!/bin/sh
# npm-pack.sh PACKAGE VERSION SHA256: prints where the package's archive is, fetched once and checked against its hash.
set -eu
package=$1 version=$2 sum=$3
cache=${XDG_CACHE_HOME:-$HOME/.cache}/wharf-build
mkdir -p "$cache"
# As `npm pack` calls it: the scope's mark gone, its slash a dash.
file=$cache/$(printf '%s' "$package" | sed 's/^@//; s,/,-,')-$version.tgz
matches() { [ -f "$file" ] && [ "$(sha256sum "$file" | cut -d' ' -f1)" = "$sum" ]; }
if ! matches; then
  rm -f "$file"
  (cd "$cache" && npm pack --silent "$package@$version" >/dev/null)
fi
if ! matches; then
  echo "$file does not have the pinned SHA-256 $sum; it was removed" >&2
  rm -f "$file"
  exit 1
fi
echo "$file"
