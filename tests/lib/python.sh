# The Python environments of the tests. Sourced by tests/run, which sets `environment`.

venv=$environment/venv
ministack_venv=$environment/ministack

# Makes the virtual environment of the tests and of what they run, but for what cannot be in one with the rest.
ensure_venv() {
    ensure_packages "$venv" "the Python clients" tests/clients/requirements.txt tests/clients/constraints.txt
}

# Makes the virtual environment of MiniStack, whose newest releases do not go with the clients' boto3.
ensure_ministack() {
    ensure_packages "$ministack_venv" MiniStack tests/clients/ministack.txt tests/clients/ministack.txt
}

# Makes a virtual environment, unless it is there already for the same pins, the same constraints and the same Python.
ensure_packages() {
    local folder=$1 what=$2 pins=$3 constraints=$4 stamp
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        install_packages python3 python3-venv || return
    fi
    if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
        echo "Python 3.10 or newer is needed; this is $(python3 --version)." >&2
        return 1
    fi
    stamp="$(python3 --version) $(cat "$pins" "$constraints" | sha256sum)"
    if [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ]; then
        return
    fi
    echo "Installing $what into $folder"
    rm -rf "$folder"
    python3 -m venv "$folder" || return
    "$folder/bin/python" -m pip install -q --disable-pip-version-check --retries 10 -r "$pins" -c "$constraints" || return
    echo "$stamp" >"$folder/stamp"
}
