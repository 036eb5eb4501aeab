"""A catalog with storage behind it, and the clients that open it."""

import glob
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from pyiceberg.catalog.rest import RestCatalog

from server import CLIENT_ID, CLIENT_SECRET

# DuckDB would fetch these from the network; they come from wheels. Iceberg needs the two before it.
DUCKDB_EXTENSIONS = ("avro", "httpfs", "iceberg")


@dataclass(frozen=True)
class ObjectStore:
    """An S3-compatible service, with keys that may do everything in `bucket`."""

    endpoint: str
    access_key: str
    secret_key: str
    bucket: str

    def client_properties(self) -> dict[str, str]:
        return {
            "s3.endpoint": self.endpoint,
            "s3.access-key-id": self.access_key,
            "s3.secret-access-key": self.secret_key,
            "s3.region": "us-east-1",
            "s3.force-virtual-addressing": "false",
        }


@dataclass
class Lake:
    """One catalog of one server.

    Clients bring their own storage keys and ask for none, or have none and ask for them, as `delegation` says.
    """

    uri: str
    name: str
    base: str
    extensions: Path
    store: ObjectStore | None = None
    delegation: str = "none"
    _connections: list[duckdb.DuckDBPyConnection] = field(default_factory=list)

    def pyiceberg(self, **properties: str) -> RestCatalog:
        """Returns a new client, which shares nothing with those before it."""
        settings = {
            "uri": f"{self.uri}/api/catalog",
            "warehouse": self.name,
            "credential": f"{CLIENT_ID}:{CLIENT_SECRET}",
            "scope": "PRINCIPAL_ROLE:ALL",
            # PyIceberg asks for vended credentials unless told otherwise; "none" is no kind the server knows.
            "header.X-Iceberg-Access-Delegation": self.delegation,
            **(self.store.client_properties() if self.store else {}),
        }
        return RestCatalog("lake", **(settings | properties))

    def duckdb(self) -> duckdb.DuckDBPyConnection:
        """Returns a new connection that has this catalog attached as `lake`."""
        config = {"extension_directory": str(self.extensions), "autoinstall_known_extensions": "false"}
        connection = duckdb.connect(config=config)
        self._connections.append(connection)
        for extension in DUCKDB_EXTENSIONS:
            connection.execute(f"LOAD {extension}")
        connection.execute(
            f"CREATE SECRET catalog (TYPE iceberg, CLIENT_ID '{CLIENT_ID}', CLIENT_SECRET '{CLIENT_SECRET}',"
            f" OAUTH2_SCOPE 'PRINCIPAL_ROLE:ALL', OAUTH2_SERVER_URI '{self.uri}/api/catalog/v1/oauth/tokens')"
        )
        if self.store:
            connection.execute(
                f"CREATE SECRET store (TYPE s3, KEY_ID '{self.store.access_key}', SECRET '{self.store.secret_key}',"
                f" ENDPOINT '{self.store.endpoint.removeprefix('http://')}', URL_STYLE 'path', USE_SSL false,"
                " REGION 'us-east-1')"
            )
        connection.execute(
            f"ATTACH '{self.name}' AS lake (TYPE iceberg, ENDPOINT '{self.uri}/api/catalog', SECRET catalog,"
            f" ACCESS_DELEGATION_MODE '{self.delegation.replace('-', '_')}', READ_ONLY false)"
        )
        return connection

    def close(self) -> None:
        for connection in self._connections:
            connection.close()


def install_duckdb_extensions(directory: Path) -> None:
    with duckdb.connect(config={"extension_directory": str(directory)}) as connection:
        for extension in DUCKDB_EXTENSIONS:
            load_duckdb_extension(connection, extension)


def load_duckdb_extension(connection: duckdb.DuckDBPyConnection, extension: str) -> None:
    """Installs an extension from its wheel, where the connection looks for them, and loads it."""
    packages = sysconfig.get_paths()["purelib"]
    pattern = f"{packages}/duckdb_extension_{extension}/extensions/*/{extension}.duckdb_extension"
    (wheel,) = glob.glob(pattern)
    connection.execute(f"INSTALL '{wheel}'")
    connection.execute(f"LOAD {extension}")
