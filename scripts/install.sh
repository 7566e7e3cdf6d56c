#!/bin/sh
# Make the virtual environment: pinned versions, checked hashes, compiled files. Run by make; safe to repeat.
set -eu
venv=${1:-.venv}
python=${PYTHON:-python3}

fail() { printf '%s\n' "$*" >&2; exit 1; }
say() { printf '%s\n' "$*"; }

command -v "$python" >/dev/null 2>&1 ||
    fail "No $python found. Install Python 3.11, 3.12 or 3.13 (Debian, Ubuntu: apt install python3 python3-venv)," \
         "or name one: make PYTHON=/path/to/python3.11 ..."
"$python" - <<'CHECK' || fail "Name another one: make PYTHON=python3.12 ... (the virtual environment is made anew when you remove $venv)."
import sys
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(f"Python {sys.version.split()[0]} at {sys.executable} will not do: 3.11, 3.12 or 3.13 is needed.")
CHECK
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail \
    "This Python lacks the modules venv and ensurepip. On Debian and Ubuntu they are a package of their own:" \
    "apt install $("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
free_mb=$(df -Pm . | awk 'NR == 2 {print $4}')
[ "$free_mb" -ge 2500 ] || fail "$(pwd): $free_mb MB free, the installation needs 2500 MB (packages 1.2 GB, the sample company 1 GB)."

began=$(date +%s)
if [ ! -x "$venv/bin/python" ]; then
    say "Making the virtual environment in $venv ..."
    "$python" -m venv "$venv" || fail "The virtual environment could not be made; see above."
fi
if [ ! -x "$venv/bin/uv" ]; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r scripts/installer.txt
fi
say "Installing $(grep -c '^[a-zA-Z0-9].*==' requirements-dev.txt) pinned packages (about a minute without a cache) ..."
VIRTUAL_ENV="$(pwd)/$venv" "$venv/bin/uv" pip install --require-hashes --compile-bytecode -r requirements-dev.txt
# The project itself needs no build: its folder goes on the path, its command into bin.
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
pwd > "$site/retention-project.pth"
printf '#!%s/%s/bin/python\nimport sys\n\nfrom retention.cli import app\n\nsys.exit(app())\n' "$(pwd)" "$venv" > "$venv/bin/retention"
chmod +x "$venv/bin/retention"
touch "$venv/installed"
say "Installed in $(( $(date +%s) - began )) s."
