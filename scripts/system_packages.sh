#!/usr/bin/env bash
# Installs the named Debian packages that are missing: as root, or by sudo where that asks no password; else says what to run and stops.
set -euo pipefail

missing=()
for package in "$@"; do
    if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then missing+=("$package"); fi
done
[ ${#missing[@]} -gt 0 ] || exit 0

line="apt-get install --no-install-recommends ${missing[*]}"
if ! command -v apt-get >/dev/null; then
    echo "yeoul setup: missing: ${missing[*]} (Debian's names); this system has no apt-get: install them its own way, then run the same command again" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then
        printf 'yeoul setup: missing: %s. Run this line, then the same command again:\n    sudo %s\n' "${missing[*]}" "$line" >&2
        exit 1
    fi
    as_root=(sudo -n)
fi

echo "yeoul setup: installing ${missing[*]} by apt" >&2
log=$(mktemp)
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=120 "$@" >>"$log" 2>&1 </dev/null; }
# The package lists of a fresh machine are empty or old: then they are fetched, and it is tried once more.
if ! apt install --no-install-recommends "${missing[@]}" && ! { apt update && apt install --no-install-recommends "${missing[@]}"; }; then
    tail -n 20 "$log" >&2
    echo "yeoul setup: \`$line\` failed (above); mend that, then run the same command again" >&2
    exit 1
fi
rm -f "$log"
