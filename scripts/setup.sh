#!/usr/bin/env bash
# Makes .venv with Yeoul in it and the console's pages built; quick when nothing changed since the last time.
#   setup.sh run    what the live service needs (the kafka extra included)
#   setup.sh full   and what every detector needs (the extras compare and deep)
#   setup.sh dev    and what the tests, linters and benchmarks need
set -euo pipefail
cd "$(dirname "$0")/.."
level=${1:-run}

say() { printf 'yeoul setup: %s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

# Two setups in one clone would tread on each other: the second waits, then finds everything done.
if command -v flock >/dev/null; then exec 9<Makefile; flock 9; fi

home=$(pwd -P)
venv_python=.venv/bin/python

# --- is there anything to do? -------------------------------------------------------------------------------------------
fingerprint() { # of everything that decides what .venv holds at this level
    { echo "$1" "$home"; "$venv_python" -VV; cat scripts/setup.sh pyproject.toml src/yeoul/__init__.py requirements/*.txt; } | sha256sum
}
fresh() { [ -x "$venv_python" ] && [ -x .venv/bin/yeoul ] && [ "$(cat ".venv/.yeoul-$1" 2>/dev/null)" = "$(fingerprint "$1")" ]; }
finish() { # the pages are checked each time: they depend on their sources, not on the Python side
    bash scripts/web.sh
    exit 0
}
# A .venv that holds a larger set keeps it: `make demo` after `make test` takes nothing away.
for larger in full dev; do
    if [ "$level" != dev ] && [ -e ".venv/.yeoul-$larger" ]; then level=$larger; fi
done
if fresh "$level"; then finish; fi

# --- a Python that is new enough ------------------------------------------------------------------------------------------
python=
for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$candidate; break; fi
done
if [ -z "$python" ]; then
    found=$(${PYTHON:-python3} -V 2>&1 || true)
    stop "got \`${found:-no python3}\`; Yeoul needs Python 3.11 or newer: install it, or name one by \`make setup PYTHON=/path/to/python3.11\`"
fi

# --- Debian's python3 lacks venv and pip ------------------------------------------------------------------------------------
if [ ! -x "$venv_python" ] && ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    bash scripts/system_packages.sh "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
fi

# --- the environment ------------------------------------------------------------------------------------------------------
if [ -e .venv ]; then # made for another place, by another Python that is gone, or too old: made anew
    there=$(cat .venv/.yeoul-home 2>/dev/null || echo "$home")
    if [ "$there" != "$home" ] || ! "$venv_python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        say "making .venv anew: it was made for another place or another Python"
        "$python" -m venv --clear .venv
    fi
fi
if ! "$venv_python" -m pip --version >/dev/null 2>&1; then
    "$python" -m venv .venv || stop "could not make .venv with \`$python\` (see above); remove the folder .venv and try again"
fi
echo "$home" >.venv/.yeoul-home
rm -f .venv/.yeoul-run .venv/.yeoul-full .venv/.yeoul-dev

# The installer comes by pip, all else by the installer, from the same index as pip's and with the machine's own certificates.
say "installing ($level); the first time takes a minute or two"
"$venv_python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tools.txt
index=${PIP_INDEX_URL:-$("$venv_python" -m pip config get global.index-url 2>/dev/null || true)}
if [ -n "$index" ]; then export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$index}; fi
export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-1}
uv() { .venv/bin/uv pip install --quiet --python "$venv_python" "$@"; }
uv --require-hashes -r requirements/build.txt -r "requirements/$level.txt"
uv --no-build-isolation --no-deps --editable .

fingerprint "$level" >".venv/.yeoul-$level.new"
mv ".venv/.yeoul-$level.new" ".venv/.yeoul-$level"
finish
