# Java, for Spark, for Iceberg's REST Compatibility Kit and for Polaris' own tests. Sourced by tests/run, which sets `environment`. Spark itself
# comes from PyPI, and fetches Iceberg from Maven Central; Maven fetches the kit from there.

rck_classpath=$environment/rck/classpath
maven_repository=$environment/rck/repository

ensure_java() {
    # A compiler too: part of the kit's set-up is a class of ours. Spark 3.5 wants 17, which not every release of Debian
    # has.
    if ! javac -version >/dev/null 2>&1; then
        install_packages openjdk-17-jdk-headless || install_packages default-jdk-headless || return
    fi
    java -version 2>&1 | head -n 1
}

# Fetches the kit and compiles what we add to it, unless that was done for the same sources. Writes the class path.
ensure_rck() {
    local sources=tests/clients/rck folder=$environment/rck stamp
    stamp="$folder $(javac -version 2>&1) $(cat "$sources/pom.xml" "$sources"/*.java | sha256sum)"
    if [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ]; then
        return
    fi
    if ! command -v mvn >/dev/null; then
        install_packages maven || return
    fi
    echo "Fetching Iceberg's REST Compatibility Kit into $folder"
    rm -rf "$folder/stamp" "$folder/classes"
    mkdir -p "$folder/classes"
    mvn --batch-mode --quiet --file "$sources/pom.xml" "-Dmaven.repo.local=$maven_repository" \
        dependency:build-classpath "-Dmdep.outputFile=$rck_classpath" || return
    javac -d "$folder/classes" -cp "$(cat "$rck_classpath")" "$sources"/*.java || return
    echo "$folder/classes:$(cat "$rck_classpath")" >"$rck_classpath"
    echo "$stamp" >"$folder/stamp"
}

# Prints the folder of a JDK of the given version or a newer one: that of JAVA_HOME, else one that Debian's packages made.
find_jdk() {
    local folder version
    for folder in "${JAVA_HOME:-}" /usr/lib/jvm/*; do
        [ -x "$folder/bin/javac" ] || continue
        version=$("$folder/bin/javac" -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')
        if [ "${version:-0}" -ge "$1" ]; then
            echo "$folder"
            return
        fi
    done
    return 1
}
