# Emulators of clouds, for the tests of vended credentials: MiniStack plays AWS, Azurite plays Azure, fake-gcs-server
# keeps objects for the strict double of Google. Sourced by tests/run, after servers.sh and
# javascript.sh. Loopback only, as there.

azurite_pid=
ministack_pid=

# Starts MiniStack, which checks every request against its policies, and exports where it is; does nothing when it
# already runs.
start_ministack() {
    local port deadline
    [ -z "$ministack_pid" ] || return 0
    port=$(free_port)
    # Without BIND_HOST it listens on every address, and without AUTH it allows everything.
    AUTH=true AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test GATEWAY_PORT=$port BIND_HOST=127.0.0.1 \
        MINISTACK_HOST=127.0.0.1 HOME=$scratch "$1/ministack" </dev/null >"$logs/ministack.log" 2>&1 &
    ministack_pid=$!
    deadline=$((SECONDS + 60))
    until [ -n "$(http_status "$port")" ]; do
        if ! kill -0 "$ministack_pid" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
            echo "MiniStack did not start:"
            tail -n 20 "$logs/ministack.log"
            stop_ministack
            return 1
        fi
        sleep 0.1
    done
    export MERAK_TEST_MINISTACK_ENDPOINT="http://127.0.0.1:$port"
    echo "AWS: MiniStack on port $port"
}

stop_ministack() {
    [ -n "$ministack_pid" ] || return 0
    { kill -KILL "$ministack_pid" && wait "$ministack_pid"; } 2>/dev/null
    ministack_pid=
}

# Starts Azurite and exports where it will be and what its certificate is. It takes a quarter of a minute, which only
# the tests that need it wait for. It takes OAuth tokens, which it does over TLS alone.
start_azurite() {
    local port
    [ -z "$azurite_pid" ] || return 0
    if ! have_node; then
        note "NOT RUN: the tests on Azurite, which needs Node and npm (on Debian: apt-get install nodejs npm)"
        return
    fi
    ensure_azurite || return
    mkdir "$scratch/azurite"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext "subjectAltName=IP:127.0.0.1" \
        -keyout "$scratch/azurite/key.pem" -out "$scratch/azurite/cert.pem" 2>"$logs/openssl.log" || {
        cat "$logs/openssl.log"
        return 1
    }
    port=$(free_port)
    node "$azurite_dir/node_modules/azurite/dist/src/blob/main.js" --blobHost 127.0.0.1 --blobPort "$port" \
        --location "$scratch/azurite" --oauth basic --cert "$scratch/azurite/cert.pem" \
        --key "$scratch/azurite/key.pem" --skipApiVersionCheck --disableTelemetry --silent \
        </dev/null >"$logs/azurite.log" 2>&1 &
    azurite_pid=$!
    export MERAK_TEST_AZURITE_ENDPOINT="https://127.0.0.1:$port" MERAK_TEST_AZURITE_CERTIFICATE=$scratch/azurite/cert.pem
    echo "Azure: Azurite on port $port"
}

stop_azurite() {
    [ -n "$azurite_pid" ] || return 0
    { kill -KILL "$azurite_pid" && wait "$azurite_pid"; } 2>/dev/null
    azurite_pid=
}

# Exports where the binary of fake-gcs-server is, in the given virtual environment. It checks no token: the double of
# Google starts it behind itself.
find_fake_gcs() {
    MERAK_TEST_FAKE_GCS_BINARY=$(find "$1/lib" -type f -path "*/fake-gcs-server/bin/*" | head -n 1)
    if [ -z "$MERAK_TEST_FAKE_GCS_BINARY" ]; then
        echo "fake-gcs-server is not in $1"
        return 1
    fi
    chmod +x "$MERAK_TEST_FAKE_GCS_BINARY"
    export MERAK_TEST_FAKE_GCS_BINARY
}
