# The Python environment of the tests. Sourced by tests/run, which sets `environment`.

venv=$environment/venv

# Makes the virtual environment, unless it is there already for the same pins and the same Python.
ensure_venv() {
    local stamp pins=tests/clients/requirements.txt constraints=tests/clients/constraints.txt
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        install_packages python3 python3-venv || return
    fi
    if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
        echo "Python 3.10 or newer is needed; this is $(python3 --version)." >&2
        return 1
    fi
    stamp="$(python3 --version) $(cat "$pins" "$constraints" | sha256sum)"
    if [ "$(cat "$venv/stamp" 2>/dev/null)" = "$stamp" ]; then
        return
    fi
    echo "Installing the Python clients into $venv"
    rm -rf "$venv"
    python3 -m venv "$venv" || return
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --retries 10 -r "$pins" -c "$constraints" || return
    echo "$stamp" >"$venv/stamp"
}
