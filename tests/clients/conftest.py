"""Fixtures: a server over the store under test, an S3 service, and catalogs on both kinds of storage.

`tests/run --only clients` sets the variables read here. `MERAK_TEST_STORE` says which store is under test.
"""

import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

import ministack
from lake import Lake, ObjectStore, install_duckdb_extensions
from polaris_cli import PolarisCli
from rest import Rest
from s3_places import S3Place
from server import CLIENT_ID, CLIENT_SECRET, Postgres, Server, Sqlite
from spark import Spark, running
from spark_tables import Sheet

S3_READY_WITHIN_S = 60
FOREIGN_SETTINGS = ("AWS_", "AZURE_", "CLOUDSDK_", "GOOGLE_", "PYICEBERG_")
STORES = ("sqlite", "postgres")

MakeServer = Callable[..., Server]
SERVERS = pytest.StashKey[list[Server]]()
LOG_SIZES = pytest.StashKey[dict[Path, int]]()
LOG_LINES_SHOWN = 30


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SERVERS] = []
    # Without this a SIGTERM would end the run before the fixtures have stopped their servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A proxy in the environment must not come between a client and loopback.
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = "127.0.0.1,localhost"
    # Settings of whoever runs the tests must not reach the clients under test.
    for name in [name for name in os.environ if name.startswith(FOREIGN_SETTINGS)]:
        del os.environ[name]


def pytest_report_header() -> str:
    return f"merak: {os.environ.get('MERAK_TEST_BINARY')}, store: {_store_name()}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _store_name() == "postgres":
        # From the last module to the first: tests on the other store run beside them, and the largest would meet.
        modules = {item.path: None for item in items}
        items[:] = [item for module in reversed(modules) for item in items if item.path == module]
        return
    shared = [item for item in items if item.get_closest_marker("replicas")]
    if shared:
        config.hook.pytest_deselected(items=shared)
        items[:] = [item for item in items if item not in shared]


def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[LOG_SIZES] = {log: log.stat().st_size for log in _logs(item.config)}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows with a failed test what the servers logged while it ran."""
    report = yield
    if report.failed:
        before = item.stash.get(LOG_SIZES, {})
        for log in _logs(item.config):
            lines = log.read_bytes()[before.get(log, 0) :].decode(errors="replace").splitlines()
            if lines:
                report.sections.append((f"last lines of {log.name}", "\n".join(lines[-LOG_LINES_SHOWN:])))
    return report


@pytest.fixture(scope="session")
def binary() -> Path:
    return Path(_required("MERAK_TEST_BINARY")).resolve(strict=True)


@pytest.fixture(scope="session")
def new_store() -> Iterator[Callable[[], Sqlite | Postgres]]:
    """Makes an empty store of the kind under test."""
    made: list[Sqlite | Postgres] = []

    def make() -> Sqlite | Postgres:
        made.append(Sqlite() if _store_name() == "sqlite" else Postgres(_required("MERAK_TEST_POSTGRES_URL")))
        return made[-1]

    yield make
    for store in made:
        store.drop()


@pytest.fixture(scope="session")
def object_store() -> ObjectStore:
    """The S3 service that the test run started, once it answers, with a bucket of this session's own."""
    store = ObjectStore(
        endpoint=_required("MERAK_TEST_S3_ENDPOINT"),
        access_key=_required("MERAK_TEST_S3_ACCESS_KEY_ID"),
        secret_key=_required("MERAK_TEST_S3_SECRET_ACCESS_KEY"),
        bucket=f"clients-{uuid.uuid4().hex[:12]}",
    )
    client = boto3.client(
        "s3",
        endpoint_url=store.endpoint,
        region_name="us-east-1",
        aws_access_key_id=store.access_key,
        aws_secret_access_key=store.secret_key,
    )
    deadline = time.monotonic() + S3_READY_WITHIN_S
    while True:
        try:
            client.create_bucket(Bucket=store.bucket)
            return store
        except (BotoCoreError, ClientError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@pytest.fixture(scope="session")
def seaweedfs(object_store: ObjectStore) -> S3Place:
    """The S3 service again, with the role that the server takes on there to vend credentials."""
    keys = (object_store.access_key, object_store.secret_key)
    role_arn = _required("MERAK_TEST_S3_ROLE_ARN")
    return S3Place(object_store.endpoint, object_store.bucket, role_arn, None, admin=keys, server=keys)


@pytest.fixture(scope="session")
def trusting() -> S3Place:
    """MiniStack, where the server's user may do nothing but take on one role, which trusts it under a condition."""
    return ministack.trust_chain(_required("MERAK_TEST_MINISTACK_ENDPOINT"))


@pytest.fixture(scope="session")
def make_server(
    request: pytest.FixtureRequest, binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeServer]:
    """Makes servers, not started yet, and ends those that still run when the session is over.

    Unless it is given another environment, a server has the keys of the S3 service.
    """
    made = request.config.stash[SERVERS]

    def make(
        store: Sqlite | Postgres,
        label: str,
        command: str = "serve",
        *,
        environment: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
    ) -> Server:
        keys = {
            "AWS_ACCESS_KEY_ID": _required("MERAK_TEST_S3_ACCESS_KEY_ID"),
            "AWS_SECRET_ACCESS_KEY": _required("MERAK_TEST_S3_SECRET_ACCESS_KEY"),
            "AWS_REGION": "us-east-1",
        }
        environment = {**(environment or keys), **store.environment()}
        if command == "serve":
            environment["POLARIS_BOOTSTRAP_CREDENTIALS"] = f"POLARIS,{CLIENT_ID},{CLIENT_SECRET}"
        home = tmp_path_factory.mktemp(label)
        logs = Path(os.environ.get("MERAK_TEST_LOGS") or home)
        log = logs / f"merak-{store.name}-{label}-{len(made)}.log"
        for stale in (log, log.with_suffix(".out")):
            stale.unlink(missing_ok=True)
        made.append(Server(binary, home, log, command, environment, properties or {}))
        return made[-1]

    yield make
    for server in made:
        server.kill()


@pytest.fixture(scope="session")
def server(make_server: MakeServer, new_store: Callable[[], Sqlite | Postgres]) -> Iterator[Server]:
    """The server that most tests share; each has a catalog of its own in it."""
    server = make_server(new_store(), "shared").start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def trusted_server(
    make_server: MakeServer, new_store: Callable[[], Sqlite | Postgres], trusting: S3Place
) -> Iterator[Server]:
    """A server that is the user whom MiniStack's role trusts."""
    server = make_server(new_store(), "trusted", environment=trusting.server_environment()).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def rest(server: Server) -> Rest:
    return Rest(server.uri)


@pytest.fixture(scope="session")
def cli(server: Server) -> PolarisCli:
    """The command line of Apache Polaris, as the root principal of the shared server."""
    return PolarisCli(server.uri, CLIENT_ID, CLIENT_SECRET)


@pytest.fixture
def catalog(cli: PolarisCli, tmp_path: Path) -> str:
    """An empty catalog on local files, made by the command line."""
    name = f"catalog_{uuid.uuid4().hex[:12]}"
    location = f"file://{tmp_path}/warehouse"
    cli.do("catalogs", "create", name, "--storage-type", "file", "--default-base-location", location)
    return name


@pytest.fixture(scope="session")
def extensions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("duckdb-extensions")
    install_duckdb_extensions(directory)
    return directory


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    with running(tmp_path_factory.mktemp("spark")) as spark:
        yield spark


@pytest.fixture(params=["file", "s3"])
def lake(request: pytest.FixtureRequest) -> Lake:
    """An empty catalog, on local files and on S3 in turn."""
    return request.getfixturevalue(f"{request.param}_lake")


@pytest.fixture
def file_lake(server: Server, rest: Rest, extensions: Path, tmp_path: Path) -> Iterator[Lake]:
    lake = Lake(server.uri, _catalog_name(), f"file://{tmp_path}/warehouse", extensions)
    rest.create_file_catalog(lake.name, lake.base)
    yield lake
    lake.close()


@pytest.fixture
def s3_lake(server: Server, rest: Rest, extensions: Path, object_store: ObjectStore) -> Iterator[Lake]:
    name = _catalog_name()
    lake = Lake(server.uri, name, f"s3://{object_store.bucket}/{name}", extensions, object_store)
    rest.create_s3_catalog(lake.name, lake.base, object_store.endpoint)
    yield lake
    lake.close()


@pytest.fixture
def sheet(spark: Spark, file_lake: Lake, rest: Rest) -> Sheet:
    return Sheet(spark, file_lake, rest)


def _logs(config: pytest.Config) -> list[Path]:
    return [log for server in config.stash[SERVERS] for log in (server.printed, server.log) if log.exists()]


def _catalog_name() -> str:
    return f"lake_{uuid.uuid4().hex[:12]}"


def _store_name() -> str:
    name = os.environ.get("MERAK_TEST_STORE", "sqlite")
    if name not in STORES:
        raise pytest.UsageError(f"MERAK_TEST_STORE is {name!r}; it must be one of {', '.join(STORES)}")
    return name


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise pytest.UsageError(f"{name} is not set: these tests are run by tests/run --only clients")
    return value
