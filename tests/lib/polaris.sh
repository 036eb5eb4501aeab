# Polaris' own tests of its REST APIs: the jar that it publishes, run by Maven against servers of ours. Sourced by tests/run,
# after servers.sh and java.sh, with `environment`, `logs` and `scratch` as there.

# Each has a server of its own: one of them must find no catalog, and leaves some behind.
polaris_classes=(
    PolarisApplicationIntegrationTest
    PolarisManagementServiceIntegrationTest
    PolarisPolicyServiceIntegrationTest
    PolarisRestCatalogFileIntegrationTest
    MerakViewTests
)
# What Polaris' own server is started with for them.
polaris_settings=(
    'polaris.realm-context.realms=POLARIS,OTHER'
    'quarkus.http.limits.max-body-size=1000000'
    'polaris.features."ALLOW_EXTERNAL_CATALOG_CREDENTIAL_VENDING"=false'
    'polaris.features."ALLOW_EXTERNAL_METADATA_FILE_LOCATION"=false'
    'polaris.features."ALLOW_INSECURE_STORAGE_TYPES"=true'
    'polaris.features."ALLOW_OVERLAPPING_CATALOG_URLS"=true'
    'polaris.features."ALLOW_SPECIFYING_FILE_IO_IMPL"=true'
    'polaris.features."ALLOW_WILDCARD_LOCATION"=true'
    'polaris.features."ENABLE_CATALOG_FEDERATION"=true'
    'polaris.features."ENFORCE_PRINCIPAL_CREDENTIAL_ROTATION_REQUIRED_CHECKING"=true'
    'polaris.features."SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION"=true'
    'polaris.features."SUPPORTED_CATALOG_STORAGE_TYPES"=["FILE","S3","GCS","AZURE"]'
    'polaris.readiness.ignore-severe-issues=true'
    'polaris.storage.gcp.token=token'
    'polaris.storage.gcp.lifespan=PT1H'
)
polaris_jdk=
polaris_missing=
polaris_pids=()
# Where Maven keeps what it fetched.
polaris_repository=${MERAK_TEST_POLARIS_REPOSITORY:-$maven_repository}

# Finds what the tests need and this does not install. If there is something missing, fails and says in `polaris_missing` what.
find_polaris_tests() {
    local version limit=60 log=$logs/polaris-fetch.log
    polaris_jdk=$(find_jdk 21) || {
        polaris_missing="there is no JDK 21 or newer, neither in JAVA_HOME nor in /usr/lib/jvm"
        return 1
    }
    if ! command -v mvn >/dev/null; then
        polaris_missing="there is no Maven (on Debian: apt-get install maven)"
        return 1
    fi
    version=$(sed -n 's|.*<polaris.version>\(.*\)</polaris.version>.*|\1|p' tests/polaris/pom.xml)
    # Where there is no network, some wait for it. The first time a plugin of Maven's has to be fetched, too.
    timeout "$limit" env JAVA_HOME="$polaris_jdk" MAVEN_OPTS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC" \
        mvn --batch-mode "-Dmaven.repo.local=$polaris_repository" \
        -Daether.connector.connectTimeout=5000 -Dmaven.wagon.http.connectionTimeout=5000 \
        org.apache.maven.plugins:maven-dependency-plugin:3.11.0:get -Dtransitive=false \
        "-Dartifact=org.apache.polaris:polaris-tests:$version" </dev/null >"$log" 2>&1 && return
    polaris_missing=$(grep -m 1 -oE "(Could not (find|transfer)|[^ ]+ was not found in) .*" "$log" |
        sed 's/ during a previous .*//; s/ -> .*//')
    polaris_missing="Maven cannot fetch its jar: ${polaris_missing:-no answer within $limit s}"
    return 1
}

# Starts a server for one of the classes, with an empty store of the given kind, and prints its port.
start_server_for() {
    local class=$1 store=$2 home=$scratch/polaris-$2-$1 port management database setting deadline flags=()
    port=$(free_port)
    management=$(free_port)
    mkdir -p "$home/data"
    for setting in "${polaris_settings[@]}" "quarkus.http.host=127.0.0.1" "quarkus.http.port=$port" \
        "quarkus.management.host=127.0.0.1" "quarkus.management.port=$management"; do
        flags+=(-D "$setting")
    done
    if [ "$store" = postgres ]; then
        database=polaris_${class,,}
        as_postgres "$postgres_bin/psql" -q "$MERAK_TEST_POSTGRES_URL" -c "drop database if exists $database" \
            -c "create database $database" >&2 || return
        export DATABASE_URL=${MERAK_TEST_POSTGRES_URL%/*}/$database
    fi
    (
        cd "$home" || exit
        export MERAK_DATA_DIR=$home/data POLARIS_BOOTSTRAP_CREDENTIALS=POLARIS,test-admin,test-secret
        exec "$MERAK_TEST_BINARY" serve "${flags[@]}" </dev/null >"$home/printed" 2>"$logs/merak-$store-$class.log"
    ) &
    echo "$!" >"$home/pid"
    deadline=$((SECONDS + 60))
    until [ -n "$(http_status "$port")" ]; do
        if ! kill -0 "$(cat "$home/pid")" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
            tail -n 20 "$logs/merak-$store-$class.log" >&2
            return 1
        fi
        sleep 0.1
    done
    echo "$port"
}

# Runs the tests over a store of the given kind. Its reports go to $environment/polaris/$1.
run_polaris_tests() {
    local store=$1 build=$environment/polaris/$1 class port status=0 places=()
    rm -rf "$build"
    for class in "${polaris_classes[@]}"; do
        port=$(start_server_for "$class" "$store") || status=1
        polaris_pids+=("$(cat "$scratch/polaris-$store-$class/pid")")
        places+=("-Dmerak.uri.$class=http://localhost:$port")
    done
    if [ "$status" -eq 0 ]; then
        logged "polaris-$store.log" env JAVA_HOME="$polaris_jdk" mvn --batch-mode --no-transfer-progress \
            --file tests/polaris/pom.xml "-Dmaven.repo.local=$polaris_repository" "-Dmerak.build=$build" "${places[@]}" test
        status=$?
    fi
    stop_polaris_servers
    return "$status"
}

stop_polaris_servers() {
    local pid
    for pid in "${polaris_pids[@]}"; do
        kill -TERM "$pid" 2>/dev/null
    done
    polaris_pids=()
}
