# The servers that tests need: PostgreSQL and an S3 service with STS (SeaweedFS). Sourced by tests/run, which sets
# `scratch` (a temporary folder), `environment` and `logs`. Everything listens on loopback only, and is stopped by its pid.

postgres_dir=
seaweedfs_pid=
seaweedfs_ports=()

# Prints a port that nothing listens on, below the range from which the kernel takes ports for outgoing connections.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        if ! listens "$port"; then
            echo "$port"
            return
        fi
    done
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

random_key() { head -c 32 /dev/urandom | base64 -w 0; }

# Prints the status of `GET /` on a port, or nothing while nobody answers there.
http_status() {
    (
        exec 3<>"/dev/tcp/127.0.0.1/$1" || exit
        printf 'GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
        read -r -t 5 _ status _ <&3 && echo "$status"
    ) 2>/dev/null
}

# Installs Debian packages where that is possible, and says what to do where it is not.
install_packages() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "Please install $* (on Debian: apt-get install $*), or run this as root." >&2
        return 1
    fi
    echo "Installing $*"
    DEBIAN_FRONTEND=noninteractive apt-get update -q &&
        DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

postgres_binaries() {
    local candidate
    for candidate in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -Vr) \
        "$(dirname "$(readlink -f "$(command -v initdb)" 2>/dev/null)" 2>/dev/null)"; do
        if [ -x "$candidate/initdb" ] && [ -x "$candidate/pg_ctl" ]; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

install_postgres() {
    # The package would otherwise make and start a cluster of its own, on the usual port.
    install_packages postgresql-common || return
    local config=/etc/postgresql-common/createcluster.conf
    [ ! -f "$config" ] || sed -i 's/^#* *create_main_cluster.*/create_main_cluster = false/' "$config"
    install_packages postgresql
}

# PostgreSQL refuses to run as root.
as_postgres() (
    cd "$postgres_dir" || exit
    if [ "$(id -u)" -eq 0 ]; then
        exec setpriv --reuid=postgres --regid=postgres --init-groups "$@"
    fi
    exec "$@"
)

# Starts PostgreSQL and exports MERAK_TEST_POSTGRES_URL; does nothing when it already runs.
start_postgres() {
    local port attempt
    [ -z "$postgres_dir" ] || return 0
    postgres_bin=$(postgres_binaries) || {
        install_postgres && postgres_bin=$(postgres_binaries)
    } || return
    postgres_dir=$scratch/postgres
    mkdir "$postgres_dir"
    [ "$(id -u)" -ne 0 ] || chown postgres "$postgres_dir"
    as_postgres "$postgres_bin/initdb" -D "$postgres_dir/data" -U postgres --auth=trust -E UTF8 --locale=C --no-sync \
        >"$logs/initdb.log" 2>&1 || {
        cat "$logs/initdb.log"
        postgres_dir=
        return 1
    }
    for attempt in 1 2 3 4 5; do
        # The same one as last time, if it is free: cargo builds the metastore's tests anew when the URL changes.
        port=$(cat "$environment/postgres-port" 2>/dev/null)
        if [ "$attempt" -gt 1 ] || [ -z "$port" ] || listens "$port"; then
            port=$(free_port)
        fi
        # No test crashes PostgreSQL itself, so nothing is lost by not waiting for the disk.
        if as_postgres "$postgres_bin/pg_ctl" -D "$postgres_dir/data" -l "$postgres_dir/log" -w -t 30 -s start -o "-p $port \
            -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 \
            -c fsync=off -c full_page_writes=off -c synchronous_commit=off"; then
            echo "$port" >"$environment/postgres-port"
            export MERAK_TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"
            echo "PostgreSQL: $("$postgres_bin/postgres" --version) on port $port"
            return
        fi
        echo "PostgreSQL did not start on port $port (attempt $attempt)"
    done
    return 1
}

stop_postgres() {
    [ -n "$postgres_dir" ] || return 0
    as_postgres "$postgres_bin/pg_ctl" -D "$postgres_dir/data" -s -m immediate stop 2>/dev/null
    cp "$postgres_dir/log" "$logs/postgres.log" 2>/dev/null
    postgres_dir=
}

# Starts SeaweedFS from the given folder of binaries and exports where its S3 and its STS are, which is one place, and
# the role that may do everything there; does nothing when it already runs.
start_seaweedfs() {
    local name port deadline flags=()
    [ -z "$seaweedfs_pid" ] || return 0
    export MERAK_TEST_S3_ACCESS_KEY_ID=lake-admin MERAK_TEST_S3_SECRET_ACCESS_KEY=lake-admin-secret
    export MERAK_TEST_S3_ROLE_ARN=arn:aws:iam::000000000000:role/lake
    mkdir "$scratch/seaweedfs"
    cat >"$scratch/seaweedfs-s3.json" <<JSON
{"identities": [{
  "name": "admin",
  "credentials": [{"accessKey": "$MERAK_TEST_S3_ACCESS_KEY_ID", "secretKey": "$MERAK_TEST_S3_SECRET_ACCESS_KEY"}],
  "actions": ["Admin", "Read", "Write", "List", "Tagging"]
}]}
JSON
    # A session of the role can do what both the role's policy and the session's own allow.
    cat >"$scratch/seaweedfs-iam.json" <<JSON
{
  "sts": {"tokenDuration": "1h", "maxSessionLength": "12h", "issuer": "seaweedfs", "signingKey": "$(random_key)"},
  "policy": {"defaultEffect": "Deny", "storeType": "memory"},
  "policies": [{"name": "Everything", "document": {
    "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]}]
  }}],
  "roles": [{"roleName": "lake", "roleArn": "$MERAK_TEST_S3_ROLE_ARN", "attachedPolicies": ["Everything"], "trustPolicy": {
    "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": ["sts:AssumeRole"]}]
  }}]
}
JSON
    for name in s3.port s3.port.grpc master.port master.port.grpc volume.port volume.port.grpc \
        filer.port filer.port.grpc admin.port; do
        until port=$(free_port) && [[ " ${seaweedfs_ports[*]} " != *" $port "* ]]; do :; done
        seaweedfs_ports+=("$port")
        flags+=("-$name=$port")
    done
    # Its worker looks for this one at this distance, whatever the flag says.
    seaweedfs_ports+=($((port + 10000)))
    flags+=("-admin.port.grpc=$((port + 10000))")
    port=${seaweedfs_ports[0]}
    "$1/weed" -logtostderr=true mini -dir="$scratch/seaweedfs" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
        -master.telemetry=false -webdav=false -admin.ui=false -s3.config="$scratch/seaweedfs-s3.json" \
        -s3.iam.config="$scratch/seaweedfs-iam.json" -s3.port.iceberg=0 -s3.port.lance=0 "${flags[@]}" \
        </dev/null >"$logs/seaweedfs.log" 2>&1 &
    seaweedfs_pid=$!
    deadline=$((SECONDS + 60))
    until [ "$(http_status "$port")" = 403 ]; do
        if ! kill -0 "$seaweedfs_pid" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
            echo "SeaweedFS did not start:"
            tail -n 20 "$logs/seaweedfs.log"
            stop_seaweedfs
            return 1
        fi
        sleep 0.1
    done
    export MERAK_TEST_S3_ENDPOINT="http://127.0.0.1:$port"
    echo "S3: SeaweedFS on port $port"
}

stop_seaweedfs() {
    [ -n "$seaweedfs_pid" ] || return 0
    # Asked politely it takes seconds, and nothing in it is worth keeping.
    { kill -KILL "$seaweedfs_pid" && wait "$seaweedfs_pid"; } 2>/dev/null
    local port
    for port in "${seaweedfs_ports[@]}"; do
        rm -f /tmp/seaweedfs-*-"$port".sock
    done
    seaweedfs_ports=()
    seaweedfs_pid=
}
