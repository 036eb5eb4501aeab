"""Vended tokens on Google Cloud Storage: Google's own C++ client with nothing else, and what the store refuses."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

import doubles
from google_reach import Reach
from lake import Lake
from rest import Rest, table_path
from rows import SCHEMA, ids, rows
from server import Server
from vending import NAMESPACE, VENDED, catalog_name, folder, load, reader_of, vended

TOKEN_KEYS = {"gcs.oauth2.token", "gcs.oauth2.token-expires-at"}


class Cloud:
    """The double, and a server that has its credentials in a file."""

    def __init__(self, google: doubles.Google, server: Server, credentials: Path):
        self.google = google
        self.server = server
        self.credentials = credentials

    def make_lake(self, rest: Rest, **storage: str) -> Lake:
        """Makes a catalog with the namespace `db`."""
        name = catalog_name()
        base = f"gs://{self.google.bucket}/{name}"
        rest.create_catalog(name, base, {"storageType": "GCS", **storage})
        rest.open_content(name)
        rest.create_namespace(name, NAMESPACE)
        return Lake(rest.uri, name, base, Path(), delegation=VENDED)

    def reach(self, rest: Rest, lake: Lake, table: str) -> Reach:
        """Tries what a principal gets for a table."""
        answer = load(rest, lake, table)
        token = vended(answer)["gcs.oauth2.token"]
        google = self.google
        return Reach(google.endpoint, token, google.admin_token(), google.bucket, folder(answer))


@pytest.fixture(scope="session")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[doubles.Google]:
    with doubles.google(tmp_path_factory.mktemp("google")) as google:
        yield google


@pytest.fixture(scope="module")
def cloud(
    google: doubles.Google,
    make_server: Callable[..., Server],
    new_store: Callable,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cloud]:
    """The server has started before its credentials file is there."""
    server, credentials = _server(google, make_server, new_store, tmp_path_factory.mktemp("credentials"))
    shutil.copy(google.files["service_account"], credentials)
    yield Cloud(google, server, credentials)
    server.stop()


@pytest.fixture(scope="module")
def rest(cloud: Cloud) -> Rest:
    return Rest(cloud.server.uri)


@pytest.fixture(params=["the server", "the catalog's service account"])
def lake(request: pytest.FixtureRequest, cloud: Cloud, rest: Rest) -> Lake:
    """A catalog whose tokens are narrowed ones of either."""
    if request.param == "the server":
        return cloud.make_lake(rest)
    return cloud.make_lake(rest, gcsServiceAccount=cloud.google.accounts["lake"])


def test_pyiceberg_writes_and_reads_with_a_vended_token_only(lake: Lake):
    table = lake.pyiceberg().create_table((NAMESPACE, "t1"), schema=SCHEMA)
    assert set(table.io.properties) >= TOKEN_KEYS

    table.append(rows(1, 2, 3))
    table.delete("id = 2")
    table.append(rows(4))

    assert ids(lake.pyiceberg().load_table((NAMESPACE, "t1"))) == [1, 3, 4]


def test_what_a_writer_gets_reaches_its_table_and_the_store_refuses_the_rest(cloud: Cloud, rest: Rest, lake: Lake):
    for table in ("t1", "t1x", "sibling"):
        rest.create_table(lake.name, NAMESPACE, table)

    reach = cloud.reach(rest, lake, "t1")

    reach.assert_reads_inside()
    reach.assert_writes_inside()
    reach.assert_refuses_outside()


def test_what_a_reader_gets_reads_its_table_and_the_store_refuses_the_rest(cloud: Cloud, rest: Rest, lake: Lake):
    for table in ("t1", "t1x", "sibling"):
        rest.create_table(lake.name, NAMESPACE, table)

    reach = cloud.reach(reader_of(rest, lake, "t1"), lake, "t1")

    reach.assert_reads_inside()
    reach.assert_refuses_writes_inside()
    reach.assert_refuses_outside()


def test_tokens_are_fetched_again_where_the_server_says(rest: Rest, lake: Lake):
    rest.create_table(lake.name, NAMESPACE, "t1")

    path = load(rest, lake, "t1")["config"]["gcs.oauth2.refresh-credentials-endpoint"]
    (entry,) = rest.get(f"/api/catalog/{path}")["storage-credentials"]

    assert entry["prefix"].startswith("gs://")
    assert set(entry["config"]) >= TOKEN_KEYS


def test_without_the_header_clients_get_no_token(rest: Rest, cloud: Cloud, lake: Lake):
    rest.create_table(lake.name, NAMESPACE, "t1")

    answer = load(rest, lake, "t1", None)

    assert not answer.get("storage-credentials")
    assert not set(answer["config"]) & TOKEN_KEYS
    assert answer["config"]["gcs.service.host"] == cloud.google.endpoint


def test_the_credentials_file_may_come_after_the_server_and_be_replaced(
    google: doubles.Google, make_server: Callable[..., Server], new_store: Callable, tmp_path: Path
):
    server, credentials = _server(google, make_server, new_store, tmp_path)
    rest = Rest(server.uri)
    lake = Cloud(google, server, credentials).make_lake(rest)
    path = f"/api/catalog/v1/{lake.name}/namespaces/{NAMESPACE}/tables"
    body = {"name": "t1", "schema": {"type": "struct", "fields": []}}
    refused = rest.send("POST", path, json=body, headers={"X-Iceberg-Access-Delegation": VENDED})
    assert refused.status_code >= 400, refused.text
    assert str(credentials) in server.log.read_text() + refused.text

    # What `gcloud auth application-default login --impersonate-service-account` writes.
    shutil.copy(google.files["impersonated_service_account"], credentials)
    rest.post(path, body)
    assert set(vended(load(rest, lake, "t1"))) >= TOKEN_KEYS

    # Another file: a person's own. Another table, so that nothing is remembered.
    shutil.copy(google.files["authorized_user"], credentials)
    rest.post(path, {**body, "name": "t2"})
    assert set(vended(load(rest, lake, "t2"))) >= TOKEN_KEYS
    server.stop()


def test_an_account_that_may_not_be_impersonated_is_told_in_googles_words(cloud: Cloud, rest: Rest):
    stranger = cloud.google.accounts["stranger"]
    lake = cloud.make_lake(rest, gcsServiceAccount=stranger)

    answer = rest.send(
        "POST",
        f"/api/catalog/v1/{lake.name}/namespaces/{NAMESPACE}/tables",
        json={"name": "t1", "schema": {"type": "struct", "fields": []}},
        headers={"X-Iceberg-Access-Delegation": VENDED},
    )

    assert answer.status_code >= 400, answer.text
    message = answer.json()["error"]["message"]
    assert stranger in message and "iam.serviceAccounts.getAccessToken" in message


def test_a_token_is_nothing_to_a_principal_without_the_tables_data(rest: Rest, lake: Lake):
    for table in ("t1", "t2"):
        rest.create_table(lake.name, NAMESPACE, table)
    reader = reader_of(rest, lake, "t1")

    answer: requests.Response = reader.send(
        "GET", table_path(lake.name, NAMESPACE, "t2"), headers={"X-Iceberg-Access-Delegation": VENDED}
    )

    assert answer.status_code == 403
    assert "oauth2" not in answer.text


def _server(
    google: doubles.Google, make_server: Callable[..., Server], new_store: Callable, folder: Path
) -> tuple[Server, Path]:
    """Starts a server whose credentials file is not there yet."""
    credentials = folder / "application.json"
    environment = {"GOOGLE_APPLICATION_CREDENTIALS": str(credentials)}
    server = make_server(new_store(), "google", environment=environment, properties=google.server_properties())
    return server.start(), credentials
