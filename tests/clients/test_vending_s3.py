"""Vended credentials on S3: what clients without keys do with them, and what the store itself refuses them.

SeaweedFS and MiniStack both judge every request by the session's policy, each in its own way.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from lake import Lake
from rest import Rest
from rows import SCHEMA, ids, rows
from s3_places import S3Place, client
from s3_reach import Reach
from vending import NAMESPACE, folder, load, reader_of, s3_client, s3_lake, vended


@dataclass
class Vending:
    """A catalog that vends, the place that its tables are in, and the root principal's session."""

    lake: Lake
    place: S3Place
    rest: Rest

    def reach(self, rest: Rest, table: str) -> Reach:
        """Tries what a principal gets for a table."""
        answer = load(rest, self.lake, table)
        return Reach(s3_client(self.place, vended(answer)), self.place.client(), self.place.bucket, folder(answer))


@pytest.fixture
def on_seaweedfs(rest: Rest, seaweedfs: S3Place, extensions: Path) -> Iterator[Vending]:
    lake = s3_lake(rest, seaweedfs, extensions)
    rest.create_namespace(lake.name, NAMESPACE)
    yield Vending(lake, seaweedfs, rest)
    lake.close()


@pytest.fixture
def on_ministack(request: pytest.FixtureRequest, trusting: S3Place, extensions: Path) -> Iterator[Vending]:
    rest = Rest(request.getfixturevalue("trusted_server").uri)
    lake = s3_lake(rest, trusting, extensions)
    rest.create_namespace(lake.name, NAMESPACE)
    yield Vending(lake, trusting, rest)
    lake.close()


@pytest.fixture(params=["seaweedfs", "ministack"])
def vending(request: pytest.FixtureRequest) -> Vending:
    """A catalog that vends, on each of the two stores in turn."""
    return request.getfixturevalue(f"on_{request.param}")


def test_pyiceberg_writes_and_reads_with_vended_credentials_only(vending: Vending):
    catalog = vending.lake.pyiceberg()
    table = catalog.create_table((NAMESPACE, "t1"), schema=SCHEMA)
    assert table.io.properties["s3.access-key-id"] not in (vending.place.admin[0], vending.place.server[0])

    table.append(rows(1, 2, 3))
    table.delete("id = 2")
    table.append(rows(4))
    assert ids(vending.lake.pyiceberg().load_table((NAMESPACE, "t1"))) == [1, 3, 4]

    table.overwrite(rows(7, 8))
    assert ids(vending.lake.pyiceberg().load_table((NAMESPACE, "t1"))) == [7, 8]


def test_pyiceberg_creates_a_table_with_its_rows_in_one_transaction(vending: Vending):
    # Staged: the credentials are for a table that is not there yet.
    with vending.lake.pyiceberg().create_table_transaction((NAMESPACE, "t1"), schema=SCHEMA) as transaction:
        transaction.append(rows(1, 2))

    assert ids(vending.lake.pyiceberg().load_table((NAMESPACE, "t1"))) == [1, 2]


def test_duckdb_writes_and_reads_with_vended_credentials_only(vending: Vending):
    db = vending.lake.duckdb()
    db.execute(f"CREATE TABLE lake.{NAMESPACE}.t1 (id BIGINT, name VARCHAR)")
    db.execute(f"INSERT INTO lake.{NAMESPACE}.t1 VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    db.execute(f"UPDATE lake.{NAMESPACE}.t1 SET name = 'z' WHERE id = 2")
    db.execute(f"DELETE FROM lake.{NAMESPACE}.t1 WHERE id = 1")
    db.execute(f"CREATE TABLE lake.{NAMESPACE}.t2 AS SELECT id FROM lake.{NAMESPACE}.t1")

    read = vending.lake.duckdb().execute(f"SELECT * FROM lake.{NAMESPACE}.t1 ORDER BY id").fetchall()
    assert read == [(2, "z"), (3, "c")]
    assert ids(vending.lake.pyiceberg().load_table((NAMESPACE, "t2"))) == [2, 3]


def test_what_a_writer_gets_reaches_its_table_and_the_store_refuses_the_rest(vending: Vending):
    for table in ("t1", "t1x", "sibling"):
        vending.rest.create_table(vending.lake.name, NAMESPACE, table)

    reach = vending.reach(vending.rest, "t1")

    reach.assert_reads_inside()
    reach.assert_writes_inside()
    reach.assert_refuses_outside()


def test_what_a_reader_gets_reads_its_table_and_the_store_refuses_the_rest(vending: Vending):
    for table in ("t1", "t1x", "sibling"):
        vending.rest.create_table(vending.lake.name, NAMESPACE, table)
    reader = reader_of(vending.rest, vending.lake, "t1")

    reach = vending.reach(reader, "t1")

    reach.assert_reads_inside()
    reach.assert_refuses_writes_inside()
    reach.assert_refuses_outside()


def test_a_folder_whose_name_looks_like_a_pattern_opens_no_other(vending: Vending):
    # In a policy `*` and `?` stand for other characters, unless they are escaped.
    for number, name in enumerate(("a*c", "a?c")):
        path = f"/api/catalog/v1/{vending.lake.name}/namespaces/{NAMESPACE}/tables"
        schema = {"type": "struct", "fields": []}
        location = f"{vending.lake.base}/{NAMESPACE}/{name}"
        vending.rest.post(path, {"name": f"t{number}", "schema": schema, "location": location})
        answer = load(vending.rest, vending.lake, f"t{number}")
        assert folder(answer).endswith(name)
        store = s3_client(vending.place, vended(answer))
        other = f"{folder(answer).rpartition('/')[0]}/abc/kept.parquet"
        vending.place.client().put_object(Bucket=vending.place.bucket, Key=other, Body=b"kept")

        with pytest.raises(ClientError, match="AccessDenied"):
            store.get_object(Bucket=vending.place.bucket, Key=other)


def test_credentials_without_their_token_or_with_another_are_nothing(vending: Vending):
    vending.rest.create_table(vending.lake.name, NAMESPACE, "t1")
    answer = load(vending.rest, vending.lake, "t1")
    credentials = vended(answer)
    key, secret, token = (credentials[f"s3.{name}"] for name in ("access-key-id", "secret-access-key", "session-token"))
    other = vended(load(reader_of(vending.rest, vending.lake, "t1"), vending.lake, "t1"))

    others_secret = other["s3.secret-access-key"]
    for stolen in ((key, secret, None), (key, others_secret, token), (key, secret, f"{token[:-4]}AAAA")):
        store = client(vending.place.endpoint, *stolen)
        with pytest.raises(ClientError) as refusal:
            store.list_objects_v2(Bucket=vending.place.bucket, Prefix=f"{folder(answer)}/")
        assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)


def test_credentials_say_truly_when_they_end(vending: Vending):
    vending.rest.create_table(vending.lake.name, NAMESPACE, "t1")

    credentials = vended(load(vending.rest, vending.lake, "t1"))

    left = int(credentials["s3.session-token-expires-at-ms"]) / 1000 - time.time()
    # An hour, less what is spent while they are remembered.
    assert 1800 - 60 < left <= 3600 + 5


def test_a_principal_gets_nothing_for_tables_that_it_may_not_read(vending: Vending):
    for table in ("t1", "t2"):
        vending.rest.create_table(vending.lake.name, NAMESPACE, table)
    reader = reader_of(vending.rest, vending.lake, "t1")

    path = f"/api/catalog/v1/{vending.lake.name}/namespaces/{NAMESPACE}/tables/t2"
    for refused in (path, f"{path}/credentials"):
        answer = reader.send("GET", refused, headers={"X-Iceberg-Access-Delegation": "vended-credentials"})
        assert answer.status_code == 403, answer.text
        assert "session-token" not in answer.text


def test_the_role_is_taken_on_with_the_catalogs_external_id_only(trusted_server, trusting: S3Place, extensions: Path):
    rest = Rest(trusted_server.uri)
    for external_id in (None, "wrong"):
        lake = s3_lake(rest, trusting, extensions, externalId=external_id)
        rest.create_namespace(lake.name, NAMESPACE)

        answer = rest.send(
            "POST",
            f"/api/catalog/v1/{lake.name}/namespaces/{NAMESPACE}/tables",
            json={"name": "t1", "schema": {"type": "struct", "fields": []}},
            headers={"X-Iceberg-Access-Delegation": "vended-credentials"},
        )

        # The store's own words, and what was tried.
        assert answer.status_code in (400, 403, 500, 503), answer.text
        assert "sts:AssumeRole" in answer.text and trusting.role_arn in answer.text
