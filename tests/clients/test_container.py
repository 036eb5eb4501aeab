"""The server as test suites and compose files start it: by its environment alone, on the usual ports."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from alone import alone
from lake import Lake
from rest import Rest
from rows import SCHEMA, ids, rows
from server import Postgres, Sqlite, die_with_parent

API, MANAGEMENT = 8181, 8182
URI = f"http://localhost:{API}"
HEALTHY_WITHIN_S = 30
STOPPED_WITHIN_S = 20
CATALOG = "azure"

# Word for word what people have in theirs for Polaris; what has no meaning here is taken all the same.
COMPOSE = {
    "AWS_ACCESS_KEY_ID": "minio_root",
    "AWS_REGION": "us-west-2",
    "AWS_SECRET_ACCESS_KEY": "m1n1opwd",
    "AZURE_CLIENT_ID": "00000000-0000-4000-8000-000000000001",
    "AZURE_CLIENT_SECRET": "an-application-secret",
    "AZURE_TENANT_ID": "00000000-0000-4000-8000-000000000002",
    "JAVA_DEBUG": "true",
    "JAVA_DEBUG_PORT": "*:5005",
    "JAVA_OPTS_APPEND": "-Xmx1g",
    "POLARIS_BOOTSTRAP_CREDENTIALS": "POLARIS,root,s3cr3t",
    "POLARIS_ID": "root",
    "POLARIS_SECRET": "s3cr3t",
    'polaris.features."ALLOW_INSECURE_STORAGE_TYPES"': "true",
    'polaris.features."DROP_WITH_PURGE_ENABLED"': "true",
    'polaris.features."SUPPORTED_CATALOG_STORAGE_TYPES"': '["FILE","S3","GCS","AZURE"]',
    "polaris.readiness.ignore-severe-issues": "true",
    "polaris.realm-context.realms": "POLARIS",
    "quarkus.log.file.enabled": "false",
    "quarkus.otel.sdk.disabled": "true",
}


def database(store: Sqlite | Postgres) -> dict[str, str]:
    """What they have for PostgreSQL; without it, the server keeps everything in its own folder."""
    if isinstance(store, Sqlite):
        return {}
    url = urlsplit(store.environment()["DATABASE_URL"])
    return {
        "POLARIS_PERSISTENCE_TYPE": "relational-jdbc",
        "POLARIS_PERSISTENCE_RELATIONAL_JDBC_DATABASE_TYPE": "postgresql",
        "POLARIS_PERSISTENCE_RELATIONAL_JDBC_INITIAL_DELAY_IN_MS": "100",
        "POLARIS_PERSISTENCE_RELATIONAL_JDBC_MAX_DURATION_IN_MS": "5000",
        "POLARIS_PERSISTENCE_RELATIONAL_JDBC_MAX_RETRIES": "5",
        "QUARKUS_DATASOURCE_JDBC_URL": f"jdbc:postgresql://{url.hostname}:{url.port}{url.path}",
        "QUARKUS_DATASOURCE_PASSWORD": url.password or "none",
        "QUARKUS_DATASOURCE_USERNAME": url.username,
    }


class Container:
    """The server in a folder of its own, with an environment and no argument but the command of the image."""

    def __init__(self, binary: Path, home: Path, environment: dict[str, str]):
        self.log = home / "log"
        self._binary = binary
        self._home = home
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and waits for what suites wait for."""
        for port in (API, MANAGEMENT):
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", port)) != 0, f"something else listens on port {port}"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._binary), "serve"],
                cwd=self._home,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        deadline = time.monotonic() + HEALTHY_WITHIN_S
        while not self._is_healthy():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOPPED_WITHIN_S)
            finally:
                self._process.kill()
                self._process = None

    @staticmethod
    def _is_healthy() -> bool:
        try:
            return requests.get(f"http://localhost:{MANAGEMENT}/q/health", timeout=5).status_code == 200
        except requests.RequestException:
            return False


@pytest.fixture
def container(binary: Path, new_store: Callable[[], Sqlite | Postgres], tmp_path: Path) -> Iterator[Container]:
    home = tmp_path / "deployments"
    home.mkdir()
    # The file is copied in when the container runs.
    google = {"GOOGLE_APPLICATION_CREDENTIALS": str(home / "google.json")}
    container = Container(
        binary, home, {**COMPOSE, **database(new_store()), **google, "HOME": str(home), "PATH": os.environ["PATH"]}
    )
    with alone("usual-ports"):
        container.start()
        yield container
        container.stop()


def test_an_environment_written_for_polaris_starts_it_unchanged(
    container: Container, extensions: Path, tmp_path: Path
):
    base = f"file://{tmp_path}/mounted"
    rest = Rest(URI)
    rest.create_file_catalog(CATALOG, base)
    rest.open_content(CATALOG)

    # As the settings of their Spark sessions have it.
    lake = Lake(URI, CATALOG, base, extensions, delegation="vended-credentials")
    catalog = lake.pyiceberg()
    catalog.create_namespace("ns")
    catalog.create_table("ns.t", schema=SCHEMA).append(rows(1, 2))

    assert ids(lake.pyiceberg().load_table("ns.t")) == [1, 2]
    assert list((tmp_path / "mounted").rglob("*.parquet")), "the files are in the folder that was mounted"
    told = container.log.read_text()
    assert "settings without effect here" in told
    for secret in ("m1n1opwd", "an-application-secret", "s3cr3t"):
        assert secret not in told


def test_what_was_made_is_there_after_a_restart_with_the_same_environment(container: Container, tmp_path: Path):
    Rest(URI).create_file_catalog(CATALOG, f"file://{tmp_path}/mounted")

    container.stop()
    container.start()

    catalogs = Rest(URI).get("/api/management/v1/catalogs")["catalogs"]
    assert [catalog["name"] for catalog in catalogs] == [CATALOG]
