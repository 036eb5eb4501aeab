"""What a token reaches in a bucket of Google's, tried at the store itself by both of its APIs."""

from typing import Any
from urllib.parse import quote

import requests


class Reach:
    """A token, tried inside a table's folder and outside of it. `admin` is a token that may do everything."""

    def __init__(self, endpoint: str, token: str, admin: str, bucket: str, table: str):
        self._endpoint = endpoint
        self._token = token
        self._admin = admin
        self._bucket = bucket
        # Without a slash at its end.
        self._table = table

    def assert_reads_inside(self) -> None:
        name = f"{self._table}/data/read.parquet"
        self._put(name)
        assert self._send("GET", self._object(name), params={"alt": "media"}).content == b"kept"
        assert self._send("GET", self._object(name)).json()["name"] == name
        by_xml = self._send("GET", f"/{self._bucket}/{quote(name)}")
        assert by_xml.content == b"kept", f"{by_xml.status_code} {by_xml.text}"
        for prefix in (f"{self._table}/", f"{self._table}/data/"):
            listed = self._send("GET", self._objects, params={"prefix": prefix}).json()
            assert name in [item["name"] for item in listed["items"]]

    def assert_writes_inside(self) -> None:
        name = f"{self._table}/data/written.parquet"
        answer = self._send("POST", self._upload("media", name), data=b"written")
        assert answer.status_code == 200, answer.text
        assert self._kept(name) == b"written"
        started = self._send("POST", self._upload("resumable", name), json={})
        assert started.status_code == 200, started.text
        answer = self._send("DELETE", self._object(name))
        assert answer.status_code in (200, 204), answer.text
        assert self._kept(name) is None

    def assert_refuses_writes_inside(self) -> None:
        """Of a token that may only read."""
        self._refuses_writes(f"{self._table}/data/kept.parquet", f"{self._table}/data/new.parquet")

    def assert_refuses_outside(self) -> None:
        """Tries all there is beside the table: a sibling, one whose name begins like it, the folders above it."""
        parent = self._table.rpartition("/")[0]
        inside = f"{self._table}/data/source.parquet"
        self._put(inside)
        for folder in (f"{parent}/sibling", f"{self._table}x", parent, "elsewhere"):
            name, new = f"{folder}/kept.parquet", f"{folder}/new.parquet"
            self._put(name)
            self._refused("GET", self._object(name), params={"alt": "media"})
            self._refused("GET", self._object(name))
            self._refused("GET", f"/{self._bucket}/{quote(name)}")
            self._refused("HEAD", f"/{self._bucket}/{quote(name)}")
            self._refuses_writes(name, new)
            stolen = f"{self._table}/data/stolen.parquet"
            for source, target in ((name, stolen), (inside, new)):
                to = self._object(target).removeprefix("/storage/v1")
                self._refused("POST", f"{self._object(source)}/rewriteTo{to}", json={})
                self._refused("POST", f"{self._object(source)}/copyTo{to}", json={})
            assert self._kept(stolen) is None and self._kept(new) is None
        for prefix in (f"{parent}/sibling/", f"{self._table}x/", self._table, f"{parent}/", parent, "", "e"):
            for more in ({}, {"delimiter": "/"}):
                self._refused("GET", self._objects, params={"prefix": prefix, **more})
        self._refused("GET", self._objects)
        self._refused("GET", f"/storage/v1/b/{self._bucket}")

    def _refuses_writes(self, name: str, new: str) -> None:
        self._put(name)
        for target in (name, new):
            self._refused("POST", self._upload("media", target), data=b"x")
            self._refused("POST", self._upload("resumable", target), json={})
            self._refused("PUT", f"/{self._bucket}/{quote(target)}", data=b"x")
        self._refused("DELETE", self._object(name))
        self._refused("DELETE", f"/{self._bucket}/{quote(name)}")
        assert self._kept(name) == b"kept" and self._kept(new) is None

    def _refused(self, method: str, path: str, **more: Any) -> None:
        answer = self._send(method, path, **more)
        assert answer.status_code == 403, f"{method} {answer.url}: {answer.status_code} {answer.text}"

    def _send(self, method: str, path: str, token: str | None = None, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token or self._token}"}
        return requests.request(method, f"{self._endpoint}{path}", headers=headers, timeout=30, **more)

    def _put(self, name: str) -> None:
        answer = self._send("POST", self._upload("media", name), self._admin, data=b"kept")
        assert answer.status_code == 200, answer.text

    def _kept(self, name: str) -> bytes | None:
        answer = self._send("GET", self._object(name), self._admin, params={"alt": "media"})
        assert answer.status_code in (200, 404), answer.text
        return answer.content if answer.status_code == 200 else None

    @property
    def _objects(self) -> str:
        return f"/storage/v1/b/{self._bucket}/o"

    def _object(self, name: str) -> str:
        return f"{self._objects}/{quote(name, safe='')}"

    def _upload(self, kind: str, name: str) -> str:
        return f"/upload{self._objects}?uploadType={kind}&name={quote(name, safe='')}"
