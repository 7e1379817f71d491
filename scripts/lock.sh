#!/usr/bin/env bash
# Writes requirements/*.txt from pyproject.toml: every version and hash, no registry address, no path of this machine.
# UPGRADE=1 takes the newest versions; otherwise what is locked stays as far as pyproject.toml allows.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() { # compile NAME ARGS...: one lock file, whose versions agree with run.txt
    local name=$1 out old
    shift
    out=requirements/$name.txt
    old=$(mktemp)
    [ -n "${UPGRADE:-}" ] || [ ! -f "$out" ] || cp "$out" "$old"
    .venv/bin/uv pip compile "$@" --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-header --annotation-style line \
        --no-emit-index-url --no-emit-find-links --quiet --output-file "$old" >/dev/null
    { echo "# Written by \`make lock\` from pyproject.toml; not to be edited."; cat "$old"; } >"$out"
    rm -f "$old"
    echo "requirements/$name.txt: $(grep -c '==' "$out") packages"
}

compile tools --group tools
compile web --group web
compile run pyproject.toml --extra kafka
compile build --group build --constraint requirements/run.txt
compile full pyproject.toml --extra kafka --extra compare --extra deep --constraint requirements/run.txt
compile dev pyproject.toml --extra kafka --extra compare --extra deep --extra spark --group test --group lint --group bench --constraint requirements/run.txt
compile fuzz --group fuzz
