"""Remote signing: clients without keys have the server sign each request, where there is no STS to vend by."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from pyiceberg.utils.concurrent import ExecutorFactory

from lake import Lake
from rest import Rest, table_path
from rows import SCHEMA, ids, rows
from s3_places import REGION, S3Place
from vending import NAMESPACE, folder, load, reader_of, s3_lake

SIGNING = "remote-signing"
# PyIceberg signs remotely with this kind of file access only, and only if told to.
SIGNER = {"s3.signer": "S3V4RestSigner", "py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO"}


class Signing:
    """A table whose requests the server signs, and the session that asks it to."""

    def __init__(self, rest: Rest, lake: Lake, place: S3Place):
        self.rest = rest
        self.lake = lake
        self.place = place
        self.table = folder(load(rest, lake, "t1", SIGNING))

    def sign(self, method: str, path: str, rest: Rest | None = None, **more: Any) -> requests.Response:
        """Asks for a signature of a request to the store, whose URL's path is given."""
        uri = path if "://" in path else f"{self.place.endpoint}/{path}"
        body = {"region": REGION, "method": method, "uri": uri, "headers": {}, "provider": "s3", **more}
        return (rest or self.rest).send("POST", f"{table_path(self.lake.name, NAMESPACE, 't1')}/sign", json=body)

    def send(self, method: str, path: str, rest: Rest | None = None, data: bytes | None = None) -> requests.Response:
        """Sends a signed request to the store."""
        signed = self.sign(method, path, rest)
        assert signed.status_code == 200, signed.text
        headers = {name: ",".join(values) for name, values in signed.json()["headers"].items()}
        return requests.request(method, signed.json()["uri"], headers=headers, data=data, timeout=30)


@pytest.fixture
def lake(rest: Rest, seaweedfs: S3Place, extensions: Path) -> Iterator[Lake]:
    lake = s3_lake(rest, seaweedfs, extensions, roleArn=None, stsEndpoint=None, stsUnavailable=True)
    lake.delegation = SIGNING
    rest.create_namespace(lake.name, NAMESPACE)
    yield lake
    lake.close()


@pytest.fixture
def signing(rest: Rest, lake: Lake, seaweedfs: S3Place) -> Signing:
    for table in ("t1", "t1x", "sibling"):
        rest.create_table(lake.name, NAMESPACE, table)
    return Signing(rest, lake, seaweedfs)


@pytest.fixture
def one_worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Has PyIceberg write one file after the other.

    Whenever one of its workers opens the store, the signer is taken from all of them and given back: what another sends
    in between is not signed, and the store refuses it.
    """
    ExecutorFactory.get_or_create()
    with ThreadPoolExecutor(1) as worker:
        monkeypatch.setattr(ExecutorFactory, "_instance", worker)
        yield


@pytest.mark.usefixtures("one_worker")
def test_pyiceberg_writes_and_reads_without_any_credentials(lake: Lake):
    table = lake.pyiceberg(**SIGNER).create_table((NAMESPACE, "t1"), schema=SCHEMA)
    assert not [key for key in table.io.properties if "access-key" in key or "session-token" in key]

    table.append(rows(1, 2, 3))
    table.delete("id = 2")

    assert ids(lake.pyiceberg(**SIGNER).load_table((NAMESPACE, "t1"))) == [1, 3]


def test_clients_are_told_to_sign_and_where(rest: Rest, signing: Signing, lake: Lake):
    answer = load(rest, lake, "t1", SIGNING)

    assert not answer.get("storage-credentials")
    config = answer["config"]
    assert config["s3.remote-signing-enabled"] == "true"
    assert config["s3.signer.endpoint"].endswith(f"v1/{lake.name}/namespaces/{NAMESPACE}/tables/t1/sign")
    assert config["s3.endpoint"] == signing.place.endpoint


def test_what_is_signed_is_done_by_the_store(signing: Signing):
    bucket, table = signing.place.bucket, signing.table
    key = f"{bucket}/{table}/data/signed%20%2B%C3%BC.parquet"

    assert signing.send("PUT", key, data=b"signed").status_code == 200
    assert signing.send("GET", key).content == b"signed"
    assert signing.send("HEAD", key).status_code == 200
    listing = signing.send("GET", _listing(bucket, f"{table}/data/"))
    assert "signed" in listing.text
    assert signing.send("DELETE", key).status_code == 204
    stored = signing.place.client().list_objects_v2(Bucket=bucket, Prefix=f"{table}/data/")
    assert stored.get("KeyCount", 0) == 0


def test_what_lies_outside_the_table_is_not_signed(signing: Signing):
    bucket, table = signing.place.bucket, signing.table
    parent = table.rpartition("/")[0]
    assert signing.sign("GET", f"{bucket}/{table}/data/inside.parquet").status_code == 200
    for path in (
        f"{bucket}/{parent}/sibling/data/a.parquet",
        f"{bucket}/{table}x/data/a.parquet",
        f"{bucket}/{table}",
        f"{bucket}/{parent}/a.parquet",
        f"other-{bucket}/{table}/data/a.parquet",
        # What a store, or a proxy before it, may take to be outside.
        f"{bucket}/{table}/../sibling/data/a.parquet",
        f"{bucket}/{table}/data/../../sibling/data/a.parquet",
        f"{bucket}/{table}/%2E%2E/sibling/data/a.parquet",
        f"{bucket}/{table}/..%2Fsibling/data/a.parquet",
        f"{bucket}/{table}%2F..%2Fsibling/data/a.parquet",
        f"{bucket}/{table}/./../sibling/data/a.parquet",
        f"{bucket}/{table}/%252E%252E/sibling/data/a.parquet",
        f"{bucket}//{table}/data/a.parquet",
        # Another host would get a signature that it could use here.
        f"http://store.invalid/{bucket}/{table}/data/a.parquet",
        f"http://user@store.invalid/{bucket}/{table}/data/a.parquet",
    ):
        for method in ("GET", "PUT", "DELETE", "HEAD"):
            _refused(signing.sign(method, path), f"{method} {path}")


def test_lists_of_what_lies_outside_the_table_are_not_signed(signing: Signing):
    bucket, table = signing.place.bucket, signing.table
    parent = table.rpartition("/")[0]
    for query in (
        "",
        "?list-type=2",
        "?list-type=2&prefix=",
        f"?list-type=2&prefix={parent}/",
        f"?list-type=2&prefix={parent}/sibling/",
        f"?list-type=2&prefix={table}x/",
        f"?list-type=2&prefix={table}/../sibling/",
        f"?list-type=2&prefix={table}/&prefix={parent}/",
        f"?versions&prefix={parent}/",
        "?policy",
        "?acl",
    ):
        _refused(signing.sign("GET", f"{bucket}{query}"), query)
    _refused(signing.sign("GET", ""), "all buckets")
    _refused(signing.sign("PUT", f"{bucket}-more"), "a new bucket")
    _refused(signing.sign("PUT", f"{bucket}?policy"), "a policy")


def test_copies_and_deletes_of_what_lies_outside_are_not_signed(signing: Signing):
    bucket, table = signing.place.bucket, signing.table
    sibling = f"{table.rpartition('/')[0]}/sibling"
    for header in ("x-amz-copy-source", "X-Amz-Copy-Source"):
        for source in (f"{bucket}/{sibling}/a", f"/{bucket}/{sibling}/a", f"{bucket}/{table}/..%2Fsibling/a"):
            answer = signing.sign("PUT", f"{bucket}/{table}/data/copy.parquet", headers={header: [source]})
            _refused(answer, f"copy of {source}")

    def delete(*keys: str) -> requests.Response:
        body = f"<Delete>{''.join(f'<Object><Key>{key}</Key></Object>' for key in keys)}</Delete>"
        return signing.sign("POST", f"{bucket}?delete", body=body)

    assert delete(f"{table}/data/a").status_code == 200
    _refused(delete(f"{sibling}/a"), "delete outside")
    _refused(delete(f"{table}/data/a", f"{table}x/a"), "delete inside and outside")
    assert signing.sign("POST", f"{bucket}?delete").status_code in (400, 403)


def test_readers_get_signatures_of_reads_only(signing: Signing):
    bucket, table = signing.place.bucket, signing.table
    reader = reader_of(signing.rest, signing.lake, "t1")
    key = f"{table}/data/kept.parquet"
    signing.place.client().put_object(Bucket=bucket, Key=key, Body=b"kept")

    assert signing.send("GET", f"{bucket}/{key}", rest=reader).content == b"kept"
    assert key in signing.send("GET", _listing(bucket, f"{table}/"), rest=reader).text
    for method, path in (
        ("PUT", f"{bucket}/{key}"),
        ("DELETE", f"{bucket}/{key}"),
        ("POST", f"{bucket}/{key}?uploads"),
        ("POST", f"{bucket}?delete"),
    ):
        answer = signing.sign(method, path, rest=reader, body=f"<Delete><Object><Key>{key}</Key></Object></Delete>")
        _refused(answer, f"{method} {path}")


def test_a_principal_without_the_tables_data_gets_no_signature(signing: Signing):
    stranger = reader_of(signing.rest, signing.lake, "sibling")

    _refused(signing.sign("GET", f"{signing.place.bucket}/{signing.table}/data/a", rest=stranger), "a stranger's read")


def _listing(bucket: str, prefix: str) -> str:
    return f"{bucket}?list-type=2&prefix={quote(prefix, safe='')}"


def _refused(answer: requests.Response, what: str) -> None:
    assert answer.status_code == 403, f"{what}: {answer.status_code} {answer.text}"
    assert "ignature=" not in answer.text
