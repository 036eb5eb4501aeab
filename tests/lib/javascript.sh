# What comes from npm: Azurite, and iceberg-js. Sourced by tests/run, which sets `environment`.

azurite_dir=$environment/azurite
iceberg_js_dir=$environment/iceberg-js

ensure_azurite() { ensure_npm_package "$azurite_dir" azurite 3.35.0; }

# The newest that runs on Node 20.
ensure_iceberg_js() { ensure_npm_package "$iceberg_js_dir" iceberg-js 0.8.1; }

have_node() { command -v node >/dev/null && command -v npm >/dev/null; }

# Exports where the module of iceberg-js is.
find_iceberg_js() {
    if ! have_node; then
        note "NOT RUN: the tests with iceberg-js, which needs Node and npm (on Debian: apt-get install nodejs npm)"
        return
    fi
    ensure_iceberg_js || return
    export MERAK_TEST_ICEBERG_JS=$iceberg_js_dir/node_modules/iceberg-js/dist/index.mjs
}

# Fetches a package into a folder, unless it is there already in that version and for the same Node.
ensure_npm_package() {
    local folder=$1 package=$2 version=$3 stamp
    stamp="$version $(node --version)" || return
    if [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ]; then
        return
    fi
    echo "Installing $package into $folder"
    rm -rf "$folder"
    mkdir -p "$folder"
    (cd "$folder" && npm install --no-audit --no-fund --loglevel=error "$package@$version") || return
    echo "$stamp" >"$folder/stamp"
}
