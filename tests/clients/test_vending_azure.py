"""Vended signatures on Azure: Microsoft's own SDK and DuckDB with nothing else, and what the store refuses.

The strict double opens directories, as accounts with a hierarchical namespace do; Azurite, which is not ours, knows
containers only. Both speak Azure's REST API.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest

import azurite
import doubles
from azure_reach import Reach
from lake import Lake, load_duckdb_extension
from rest import Rest, table_path
from server import Server
from vending import NAMESPACE, VENDED, catalog_name, folder, load, reader_of, vended

SCHEMA = {"type": "struct", "fields": [{"id": 1, "name": "id", "type": "long", "required": False}]}


@dataclass
class Account:
    """A storage account, and a server that has an identity there."""

    azure: doubles.Azure
    server: Server
    # Whether it is one whose directories can be opened.
    kind: str

    @property
    def name(self) -> str:
        return self.azure.accounts[self.kind]

    @property
    def host(self) -> str:
        return f"{self.name}.dfs.core.windows.net"

    @property
    def url(self) -> str:
        return f"{self.azure.endpoint}/{self.name}"

    def make_lake(self, rest: Rest) -> Lake:
        """Makes a catalog with the namespace `db`, and in it three tables whose names begin alike or do not."""
        name = catalog_name()
        base = f"abfss://{self.azure.container}@{self.host}/{name}"
        rest.create_catalog(name, base, self.azure.storage(hierarchical=True if self.kind == "hierarchical" else None))
        rest.open_content(name)
        rest.create_namespace(name, NAMESPACE)
        for table in ("t1", "t1x", "sibling"):
            rest.create_table(name, NAMESPACE, table)
        return Lake(rest.uri, name, base, Path(), delegation=VENDED)

    def sas(self, answer: dict) -> str:
        return vended(answer)[f"adls.sas-token.{self.host}"]

    def reach(self, answer: dict, *, sas: str | None = None, container: str | None = None) -> Reach:
        """Tries what an answer's signature opens, or another one."""
        azure = self.azure
        dfs_url = f"{azure.dfs_endpoint}/{self.name}" if self.kind == "hierarchical" else None
        return Reach(self.url, dfs_url, container or azure.container, folder(answer), sas or self.sas(answer))


@pytest.fixture(scope="module")
def double(
    make_server: Callable[..., Server], new_store: Callable, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Account]:
    """The double's account without directories."""
    with doubles.azure(tmp_path_factory.mktemp("azure")) as azure:
        yield from _served(azure, make_server, new_store, "azure")


@pytest.fixture(scope="module")
def emulator(make_server: Callable[..., Server], new_store: Callable) -> Iterator[Account]:
    endpoint = os.environ.get("MERAK_TEST_AZURITE_ENDPOINT")
    if not endpoint:
        pytest.skip("Azurite is not there, since Node is not")
    with azurite.running(endpoint, Path(os.environ["MERAK_TEST_AZURITE_CERTIFICATE"])) as azure:
        yield from _served(azure, make_server, new_store, "azurite")


@pytest.fixture(params=["double", "emulator"])
def account(request: pytest.FixtureRequest) -> Account:
    """The double and Azurite in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def rest(account: Account) -> Rest:
    return Rest(account.server.uri)


@pytest.fixture
def hierarchical(double: Account) -> tuple[Account, Rest, Lake]:
    """A catalog of an account whose directories can be opened one by one."""
    account = replace(double, kind="hierarchical")
    rest = Rest(account.server.uri)
    return account, rest, account.make_lake(rest)


def test_signatures_come_in_every_spelling_that_a_client_reads(account: Account, rest: Rest):
    lake = account.make_lake(rest)

    credentials = vended(load(rest, lake, "t1"))

    name, host = account.name, account.host
    spellings = ("", f".{name}", f".{host}")
    signatures = {credentials[f"adls.sas-token{spelling}"] for spelling in spellings}
    ends = {credentials[f"adls.sas-token-expires-at-ms{spelling}"] for spelling in spellings}
    assert len(signatures) == len(ends) == 1
    assert "sig=" in signatures.pop()
    assert 0 < int(ends.pop()) / 1000 - time.time() <= 3600 + 5
    assert credentials["adls.account-name"] == name


def test_what_a_writer_gets_for_a_directory_opens_nothing_else(hierarchical: tuple[Account, Rest, Lake]):
    account, rest, lake = hierarchical
    answer = load(rest, lake, "t1")

    reach = account.reach(answer)

    assert "sr=d" in account.sas(answer).split("&")
    reach.assert_reads(_metadata(answer))
    reach.assert_writes_inside()
    reach.assert_writes_inside_by_paths()
    _refuses_the_rest(account, rest, lake, reach)


def test_what_a_reader_gets_for_a_directory_reads_it_and_opens_nothing_else(hierarchical: tuple[Account, Rest, Lake]):
    account, rest, lake = hierarchical
    answer = load(reader_of(rest, lake, "t1"), lake, "t1")

    reach = account.reach(answer)

    reach.assert_reads(_metadata(answer))
    reach.assert_refuses_writes_inside(_metadata(answer))
    _refuses_the_rest(account, rest, lake, reach)


def test_what_a_writer_gets_for_a_container_opens_no_other(account: Account, rest: Rest):
    # Without directories of its own an account can open containers only: the catalog is as wide as that.
    lake = account.make_lake(rest)
    answer = load(rest, lake, "t1")

    reach = account.reach(answer)

    assert "sr=c" in account.sas(answer).split("&")
    reach.assert_reads(_metadata(answer))
    reach.assert_writes_inside()
    reach.assert_refuses_delegation_keys()
    other = account.reach(answer, container=f"{account.azure.container}-other")
    other.assert_refuses_blob(f"{folder(answer)}/data/a.parquet")


def test_what_a_reader_gets_for_a_container_writes_nothing(account: Account, rest: Rest):
    lake = account.make_lake(rest)
    answer = load(reader_of(rest, lake, "t1"), lake, "t1")

    reach = account.reach(answer)

    reach.assert_reads(_metadata(answer))
    reach.assert_refuses_writes_inside(_metadata(answer))
    reach.assert_refuses_delegation_keys()
    account.reach(load(rest, lake, "t1")).assert_reads(_metadata(answer))


def test_no_signature_opens_the_account(emulator: Account):
    rest = Rest(emulator.server.uri)
    lake = emulator.make_lake(rest)

    for session in (rest, reader_of(rest, lake, "t1")):
        emulator.reach(load(session, lake, "t1")).assert_refuses_the_account()


def test_a_signature_that_was_changed_opens_nothing(account: Account, rest: Rest):
    lake = account.make_lake(rest)
    answer = load(reader_of(rest, lake, "t1"), lake, "t1")
    sas = dict(part.split("=", 1) for part in account.sas(answer).split("&"))
    other = ("B" if sas["sig"].startswith("A") else "A") + sas["sig"][1:]
    changes = ({"sp": "racwdl"}, {"se": "2039-01-01T00%3A00%3A00Z"}, {"sig": other}, {"sr": "b"})

    for change in changes:
        forged = "&".join(f"{name}={value}" for name, value in (sas | change).items())
        account.reach(answer, sas=forged).assert_refuses_blob(_metadata(answer))


def test_signatures_are_fetched_again_where_the_server_says(account: Account, rest: Rest):
    lake = account.make_lake(rest)

    path = load(rest, lake, "t1")["config"]["adls.refresh-credentials-endpoint"]
    (entry,) = rest.get(f"/api/catalog/{path}")["storage-credentials"]

    # Clients look for the account's host in it.
    assert account.host in entry["prefix"]
    assert {f"adls.sas-token.{account.host}", f"adls.sas-token-expires-at-ms.{account.host}"} <= set(entry["config"])


def test_without_the_header_clients_get_no_signature(account: Account, rest: Rest):
    lake = account.make_lake(rest)

    answer = load(rest, lake, "t1", None)

    assert not answer.get("storage-credentials")
    assert "sig=" not in str(answer)


def test_duckdb_reads_and_writes_a_tables_folder_with_a_vended_signature(emulator: Account, tmp_path: Path):
    rest = Rest(emulator.server.uri)
    lake = emulator.make_lake(rest)
    answer = load(rest, lake, "t1")
    azure = emulator.azure
    parts = f"AccountName={emulator.name};BlobEndpoint={emulator.url};SharedAccessSignature={emulator.sas(answer)}"
    file = f"az://{azure.container}/{folder(answer)}/data/squares.parquet"

    with duckdb.connect(config={"extension_directory": str(tmp_path), "autoinstall_known_extensions": "false"}) as db:
        load_duckdb_extension(db, "azure")
        db.execute(f"CREATE SECRET az (TYPE azure, CONNECTION_STRING 'DefaultEndpointsProtocol=http;{parts}')")
        db.execute(f"COPY (SELECT i, i * i AS square FROM range(4) t(i)) TO '{file}' (FORMAT parquet)")
        read = db.execute(f"SELECT * FROM '{file}' ORDER BY i").fetchall()

    assert read == [(0, 0), (1, 1), (2, 4), (3, 9)]


def test_a_wrong_secret_is_told_in_microsofts_words(
    make_server: Callable[..., Server], new_store: Callable, emulator: Account
):
    azure = emulator.azure
    environment = azure.server_environment() | {"AZURE_CLIENT_SECRET": "wrong"}
    server = make_server(
        new_store(), "secretless", environment=environment, properties=azure.server_properties()
    ).start()
    rest = Rest(server.uri)
    name = catalog_name()
    rest.create_catalog(name, f"abfss://{azure.container}@{emulator.host}/{name}", azure.storage())
    rest.open_content(name)
    rest.create_namespace(name, NAMESPACE)

    path = f"/api/catalog/v1/{name}/namespaces/{NAMESPACE}/tables"
    answer = rest.send(
        "POST", path, json={"name": "t1", "schema": SCHEMA}, headers={"X-Iceberg-Access-Delegation": VENDED}
    )

    assert answer.status_code >= 400, answer.text
    assert "AADSTS7000215" in answer.json()["error"]["message"]
    assert rest.send("GET", table_path(name, NAMESPACE, "t1")).status_code == 404
    server.stop()


def _served(
    azure: doubles.Azure, make_server: Callable[..., Server], new_store: Callable, label: str
) -> Iterator[Account]:
    environment, properties = azure.server_environment(), azure.server_properties()
    server = make_server(new_store(), label, environment=environment, properties=properties).start()
    yield Account(azure, server, "flat")
    server.stop()


def _refuses_the_rest(account: Account, rest: Rest, lake: Lake, reach: Reach) -> None:
    """Tries the other tables' files, all lists, and the account; the files are there afterwards."""
    for table in ("t1x", "sibling"):
        other = load(rest, lake, table)
        reach.assert_refuses_blob(_metadata(other))
        account.reach(other).assert_reads(_metadata(other))
    reach.assert_refuses_lists()
    reach.assert_refuses_delegation_keys()


def _metadata(answer: dict) -> str:
    """Returns where a table's metadata file is in its container."""
    return answer["metadata-location"].split("/", 3)[3]
