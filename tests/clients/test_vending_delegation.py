"""Access delegation over plain HTTP: what a client must ask for, and what it is answered."""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest

from forwarder import Forwarder, forwarded
from lake import Lake
from rest import Rest, table_path
from s3_places import S3Place
from vending import NAMESPACE, S3_KEYS, VENDED, catalog_name, load, s3_lake, vended

REFRESH_ROUTE = "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials"
WHERE_THE_STORE_IS = ("client.region", "s3.endpoint", "s3.path-style-access")
# The last is what early clients sent.
EITHER_KIND = ("vended-credentials,remote-signing", "remote-signing, vended-credentials", "true")
UNAVAILABLE = "Credential vending was requested for table db.t1, but no credentials are available"


@pytest.fixture
def sts(seaweedfs: S3Place) -> Iterator[Forwarder]:
    """The STS service, where the requests to it are counted."""
    with forwarded(seaweedfs.endpoint) as forwarder:
        yield forwarder


@pytest.fixture
def lake(rest: Rest, seaweedfs: S3Place, sts: Forwarder) -> Lake:
    """A catalog that vends by that service, with the namespace `db`."""
    lake = s3_lake(rest, seaweedfs, Path(), stsEndpoint=sts.endpoint)
    rest.create_namespace(lake.name, NAMESPACE)
    return lake


def test_without_the_header_nothing_is_vended_and_nobody_asked(rest: Rest, lake: Lake, sts: Forwarder):
    rest.create_table(lake.name, NAMESPACE, "t1")
    before = sts.asked("Action=AssumeRole")

    for delegation in (None, "none", "some-other-kind"):
        answer = load(rest, lake, "t1", delegation)

        assert not answer.get("storage-credentials")
        assert not set(answer["config"]) & {*S3_KEYS, "client.refresh-credentials-endpoint"}
        assert set(WHERE_THE_STORE_IS) <= set(answer["config"])
    assert sts.asked("Action=AssumeRole") == before

    vended(load(rest, lake, "t1"))
    assert sts.asked("Action=AssumeRole") == before + 1


def test_with_the_header_clients_are_told_where_the_store_is_and_how_to_reach_it(
    rest: Rest, lake: Lake, seaweedfs: S3Place
):
    rest.create_table(lake.name, NAMESPACE, "t1")

    answer = load(rest, lake, "t1")

    assert set(S3_KEYS) <= set(vended(answer))
    told = {name: answer["config"][name] for name in WHERE_THE_STORE_IS}
    assert told == dict(zip(WHERE_THE_STORE_IS, ("us-east-1", seaweedfs.endpoint, "true"), strict=True))


@pytest.mark.parametrize(
    "delegation", ["vended-credentials,remote-signing", "remote-signing, vended-credentials", "true"]
)
def test_credentials_are_vended_to_clients_that_take_either_kind(rest: Rest, lake: Lake, delegation: str):
    rest.create_table(lake.name, NAMESPACE, "t1")

    answer = load(rest, lake, "t1", delegation)

    assert set(S3_KEYS) <= set(vended(answer))
    assert answer["config"].get("s3.remote-signing-enabled", "false") == "false"


@pytest.mark.parametrize("staged", [False, True])
def test_a_new_table_comes_with_credentials(rest: Rest, lake: Lake, staged: bool):
    path = f"/api/catalog/v1/{lake.name}/namespaces/{NAMESPACE}/tables"
    schema = {"type": "struct", "fields": []}
    body = {"name": "t1", "schema": schema, "stage-create": staged}
    answer = rest.send("POST", path, json=body, headers={"X-Iceberg-Access-Delegation": VENDED})
    assert answer.status_code == 200, answer.text

    assert set(S3_KEYS) <= set(vended(answer.json()))
    assert ("metadata-location" in answer.json()) is not staged


def test_credentials_are_fetched_again_where_the_server_says(rest: Rest, lake: Lake):
    rest.create_table(lake.name, NAMESPACE, "t1")
    config = rest.get("/api/catalog/v1/config", params={"warehouse": lake.name})
    assert REFRESH_ROUTE in config["endpoints"]

    path = load(rest, lake, "t1")["config"]["client.refresh-credentials-endpoint"]
    # Clients take it to be below the URI that they know the catalog by.
    assert path == f"v1/{lake.name}/namespaces/{NAMESPACE}/tables/t1/credentials"
    answer = rest.get(urljoin("/api/catalog/", path))

    (entry,) = answer["storage-credentials"]
    assert entry["prefix"].startswith("s3://")
    assert set(S3_KEYS) <= set(entry["config"])
    assert all(isinstance(value, str) and value for value in entry["config"].values())
    assert int(entry["config"]["s3.session-token-expires-at-ms"]) > time.time() * 1000


def test_sessions_are_remembered_for_those_who_may_do_the_same(rest: Rest, lake: Lake, sts: Forwarder):
    rest.create_table(lake.name, NAMESPACE, "t1")
    before = sts.asked("Action=AssumeRole")

    keys = {vended(load(rest, lake, "t1"))["s3.access-key-id"] for _ in range(5)}

    assert len(keys) == 1
    assert sts.asked("Action=AssumeRole") == before + 1


def test_catalogs_on_files_vend_nothing_and_say_nothing(rest: Rest, tmp_path: Path):
    name = catalog_name()
    rest.create_file_catalog(name, f"file://{tmp_path}/warehouse")
    rest.open_content(name)
    rest.create_namespace(name, NAMESPACE)
    rest.create_table(name, NAMESPACE, "t1")

    answer = rest.get(table_path(name, NAMESPACE, "t1"), headers={"X-Iceberg-Access-Delegation": VENDED})

    assert not answer.get("storage-credentials")
    assert not [key for key in answer.get("config", {}) if key.startswith(("s3.", "gcs.", "adls."))]


def test_a_catalog_without_sts_says_that_it_has_no_credentials(rest: Rest, seaweedfs: S3Place):
    lake = s3_lake(rest, seaweedfs, Path(), roleArn=None, stsEndpoint=None, stsUnavailable=True)
    rest.create_namespace(lake.name, NAMESPACE)
    rest.create_table(lake.name, NAMESPACE, "t1")

    answer = rest.send("GET", table_path(lake.name, NAMESPACE, "t1"), headers={"X-Iceberg-Access-Delegation": VENDED})

    assert answer.status_code == 400, answer.text
    assert UNAVAILABLE in answer.json()["error"]["message"]
    assert load(rest, lake, "t1", None)["config"]["s3.endpoint"] == seaweedfs.endpoint


def test_refused_sts_calls_are_told_in_the_providers_words(rest: Rest, seaweedfs: S3Place):
    role_arn = "arn:aws:iam::000000000000:role/nobody"
    lake = s3_lake(rest, seaweedfs, Path(), roleArn=role_arn)
    rest.create_namespace(lake.name, NAMESPACE)

    answer = rest.send(
        "POST",
        f"/api/catalog/v1/{lake.name}/namespaces/{NAMESPACE}/tables",
        json={"name": "t1", "schema": {"type": "struct", "fields": []}},
        headers={"X-Iceberg-Access-Delegation": VENDED},
    )

    assert answer.status_code >= 400, answer.text
    message = answer.json()["error"]["message"]
    assert "AssumeRole" in message and role_arn in message
