#!/usr/bin/env bash
# Builds the console's pages into src/yeoul/console/static when their sources changed; brings Node where the machine has none.
set -euo pipefail
cd "$(dirname "$0")/.."
web=src/yeoul/console/web static=src/yeoul/console/static stamp=.venv/.yeoul-web

if [ ! -f scripts/build_web.py ] || [ ! -d "$web" ]; then
    echo "yeoul setup: this tree holds no pages yet; the console shows none" >&2
    exit 0
fi
fingerprint() {
    { cat scripts/build_web.py; find "$web" -name node_modules -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum; } | sha256sum
}
now=$(fingerprint)
if [ -f "$static/index.html" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$now" ]; then exit 0; fi

if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20)' 2>/dev/null || ! command -v npm >/dev/null; then
    UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-1} .venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements/web.txt
fi
echo "yeoul setup: building the console's pages" >&2
.venv/bin/python scripts/build_web.py >&2
echo "$now" >"$stamp"
