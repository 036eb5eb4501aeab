# Java, for Spark. Sourced by tests/run. Spark itself comes from PyPI, and fetches Iceberg from Maven Central.

ensure_java() {
    if ! java -version >/dev/null 2>&1; then
        # Spark 3.5 wants 17, which not every release of Debian has.
        install_packages openjdk-17-jre-headless || install_packages default-jre-headless || return
    fi
    java -version 2>&1 | head -n 1
}
