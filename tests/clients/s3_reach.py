"""What credentials reach in a bucket, tried at the store itself: its own answers decide."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

PART = b"p" * (5 * 1024 * 1024)


class Reach:
    """Credentials, tried inside a table's folder and outside of it.

    `admin` may do everything. It puts what is tried upon, and looks afterwards whether it is still there.
    """

    def __init__(self, client: Any, admin: Any, bucket: str, table: str):
        self._client = client
        self._admin = admin
        self._bucket = bucket
        # Without a slash at its end.
        self._table = table

    def assert_reads_inside(self) -> None:
        key = self._put("data/read.parquet")
        assert self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read() == b"kept"
        assert self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"] == 4
        # With the folder's name alone, as some clients look for a table's files.
        for prefix in (f"{self._table}/", self._table, f"{self._table}/data/"):
            assert key in self._listed(prefix)
        self._client.get_bucket_location(Bucket=self._bucket)

    def assert_writes_inside(self) -> None:
        key = f"{self._table}/data/written.parquet"
        at_key = {"Bucket": self._bucket, "Key": key}
        self._client.put_object(**at_key, Body=b"written")
        self._client.copy_object(**{**at_key, "Key": f"{key}.copy"}, CopySource=at_key)
        assert self._admin.get_object(**at_key)["Body"].read() == b"written"
        self._client.delete_object(**at_key)
        deleted = self._client.delete_objects(Bucket=self._bucket, Delete=_keys(f"{key}.copy"))
        assert "Errors" not in deleted
        assert not self._kept(key) and not self._kept(f"{key}.copy")

        upload = {**at_key, "UploadId": self._client.create_multipart_upload(**at_key)["UploadId"]}
        etags = [
            self._client.upload_part(**upload, PartNumber=number, Body=body)["ETag"]
            for number, body in ((1, PART), (2, b"end"))
        ]
        listed = self._client.list_parts(**upload)["Parts"]
        assert [part["PartNumber"] for part in listed] == [1, 2]
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        assert self._admin.head_object(**at_key)["ContentLength"] == len(PART) + 3

        given_up = {**at_key, "UploadId": self._client.create_multipart_upload(**at_key)["UploadId"]}
        self._client.upload_part(**given_up, PartNumber=1, Body=b"part")
        self._client.abort_multipart_upload(**given_up)
        with pytest.raises(ClientError, match="NoSuchUpload"):
            self._admin.list_parts(**given_up)

    def assert_refuses_writes_inside(self) -> None:
        """Of credentials that may only read."""
        key = self._put("data/kept.parquet")
        at_key = {"Bucket": self._bucket, "Key": key}
        new = {"Bucket": self._bucket, "Key": f"{self._table}/data/new.parquet"}
        client = self._client
        _refused("put", lambda: client.put_object(**new, Body=b"x"))
        _refused("overwrite", lambda: client.put_object(**at_key, Body=b"x"))
        _refused("copy", lambda: client.copy_object(**new, CopySource=at_key))
        _refused("multipart", lambda: client.create_multipart_upload(**new))
        _refused("delete", lambda: client.delete_object(**at_key))
        self._multi_delete_refused(key)
        self._presigned_refused("put_object", new)
        assert self._admin.get_object(**at_key)["Body"].read() == b"kept"
        assert not self._kept(new["Key"])

    def assert_refuses_outside(self) -> None:
        """Tries all there is beside the table: a sibling, one whose name begins like it, the folders above it."""
        parent = self._table.rpartition("/")[0]
        for folder in (f"{parent}/sibling", f"{self._table}x", parent, "elsewhere"):
            self._refuses_keys_of(folder)
        for prefix in (f"{parent}/sibling/", f"{self._table}x/", f"{self._table}x", f"{parent}/", parent, "", "e"):
            for delimiter in ({}, {"Delimiter": "/"}):
                listing = {"Bucket": self._bucket, "Prefix": prefix, **delimiter}
                _refused(f"list {prefix!r}", lambda listing=listing: self._client.list_objects_v2(**listing))
        _refused("list the bucket", lambda: self._client.list_objects_v2(Bucket=self._bucket))
        _refused("list the bucket as of old", lambda: self._client.list_objects(Bucket=self._bucket))
        _refused("list versions", lambda: self._client.list_object_versions(Bucket=self._bucket))
        _refused("create a bucket", lambda: self._client.create_bucket(Bucket=f"{self._bucket}-more"))
        _refused("delete the bucket", lambda: self._client.delete_bucket(Bucket=self._bucket))
        _refused("open the bucket", lambda: self._client.put_bucket_policy(Bucket=self._bucket, Policy="{}"))

    def _refuses_keys_of(self, folder: str) -> None:
        key = f"{folder}/kept.parquet"
        self._admin.put_object(Bucket=self._bucket, Key=key, Body=b"kept")
        at_key = {"Bucket": self._bucket, "Key": key}
        new = {"Bucket": self._bucket, "Key": f"{folder}/new.parquet"}
        inside = {"Bucket": self._bucket, "Key": self._put("data/source.parquet")}
        into_table = {"Bucket": self._bucket, "Key": f"{self._table}/data/stolen.parquet"}
        client = self._client
        _refused(f"get {key}", lambda: client.get_object(**at_key))
        _refused(f"head {key}", lambda: client.head_object(**at_key))
        _refused(f"put beside {key}", lambda: client.put_object(**new, Body=b"x"))
        _refused(f"overwrite {key}", lambda: client.put_object(**at_key, Body=b"x"))
        _refused(f"copy from {key}", lambda: client.copy_object(**into_table, CopySource=at_key))
        _refused(f"copy to {key}", lambda: client.copy_object(**new, CopySource=inside))
        _refused(f"multipart beside {key}", lambda: client.create_multipart_upload(**new))
        _refused(f"delete {key}", lambda: client.delete_object(**at_key))
        self._multi_delete_refused(key)
        self._presigned_refused("get_object", at_key)
        self._presigned_refused("put_object", new)
        self._presigned_refused("delete_object", at_key)
        assert self._admin.get_object(**at_key)["Body"].read() == b"kept"
        assert not self._kept(new["Key"]) and not self._kept(into_table["Key"])

    def _multi_delete_refused(self, key: str) -> None:
        # Some stores refuse the whole request, others each key in an answer of 200: what counts is what is left.
        try:
            self._client.delete_objects(Bucket=self._bucket, Delete=_keys(key))
        except ClientError as error:
            assert _status(error) == 403, error
        assert self._kept(key), f"{key} was deleted"

    def _presigned_refused(self, operation: str, at_key: dict[str, str]) -> None:
        url = self._client.generate_presigned_url(operation, Params=at_key, ExpiresIn=60)
        method = {"get_object": "GET", "put_object": "PUT", "delete_object": "DELETE"}[operation]
        answer = requests.request(method, url, data=b"x" if method == "PUT" else None, timeout=30)
        assert answer.status_code == 403, f"{method} {url}: {answer.status_code} {answer.text}"

    def _put(self, name: str) -> str:
        key = f"{self._table}/{name}"
        self._admin.put_object(Bucket=self._bucket, Key=key, Body=b"kept")
        return key

    def _listed(self, prefix: str) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def _kept(self, key: str) -> bool:
        try:
            self._admin.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            assert _status(error) == 404, error
            return False
        return True


def _refused(what: str, attempt: Callable[[], Any]) -> None:
    try:
        attempt()
    except ClientError as error:
        assert _status(error) == 403, f"{what}: {error}"
    else:
        pytest.fail(f"The store let these credentials {what}")


def _status(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]


def _keys(*keys: str) -> dict[str, Any]:
    return {"Objects": [{"Key": key} for key in keys]}
