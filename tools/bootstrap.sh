#!/bin/sh
# Make .venv with the pinned uv in it, out of nothing but a Python of this machine (and apt, if
# that Python came without venv). Does nothing when it is there already.
set -eu
cd "$(dirname "$0")/.."
uv_version=0.13.9

case "$(.venv/bin/uv --version 2>/dev/null || true)" in "uv $uv_version"*) exit 0 ;; esac

python=
for candidate in .venv/bin/python python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || { echo "Silo needs Python 3.11 or newer on this machine; found none." >&2; exit 1; }

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian keeps these two in a package of their own.
    package=$("$python" -c 'import sys; print(f"python{sys.version_info[0]}.{sys.version_info[1]}-venv")')
    root=
    if [ "$(id -u)" != 0 ]; then
        root="sudo -n"
        $root true 2>/dev/null || { echo "This Python has no venv. Please run: sudo apt-get install $package" >&2; exit 1; }
    fi
    echo "Installing $package"
    for wait in 0 5 15; do sleep "$wait"; $root apt-get -qq update && break; done
    $root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$package" >/dev/null
fi

[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
.venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$uv_version"
