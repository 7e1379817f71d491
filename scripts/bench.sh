#!/usr/bin/env bash
# Runs every benchmark, or those whose path contains a given word; results are printed and not kept.
#   make bench            make bench ARGS="rank throughput"
set -euo pipefail
cd "$(dirname "$0")/.."

failed=()
while IFS= read -r script; do
    if [ $# -gt 0 ]; then
        wanted=no
        for word in "$@"; do [[ $script == *"$word"* ]] && wanted=yes; done
        [ $wanted = yes ] || continue
    fi
    printf '\n=== %s\n' "$script"
    .venv/bin/python "$script" || failed+=("$script")
done < <(grep -lE '^if __name__ == "__main__":' -r benchmarks --include='*.py' | LC_ALL=C sort)

if [ ${#failed[@]} -gt 0 ]; then
    echo "failed: ${failed[*]}" >&2
    exit 1
fi
