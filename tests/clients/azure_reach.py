"""What a shared access signature reaches in a storage account, tried at the store itself."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.storage.blob import BlobServiceClient, ContainerClient
from azure.storage.filedatalake import DataLakeServiceClient, FileSystemClient


class Reach:
    """A signature, tried in a container, inside a table's folder and outside of it."""

    def __init__(self, account_url: str, dfs_url: str | None, container: str, table: str, sas: str):
        self.account = BlobServiceClient(account_url, credential=sas, retry_total=0)
        self.container: ContainerClient = self.account.get_container_client(container)
        lake = DataLakeServiceClient(dfs_url, credential=sas, retry_total=0) if dfs_url else None
        self.lake: FileSystemClient | None = lake.get_file_system_client(container) if lake else None
        # Without a slash at its end.
        self.table = table

    def assert_reads(self, name: str) -> None:
        """Of a blob in the table's folder."""
        blob = self.container.get_blob_client(name)
        assert blob.get_blob_properties().size == len(blob.download_blob().readall()) > 0
        listed = self.container.list_blobs(name_starts_with=f"{self.table}/")
        assert name in [entry.name for entry in listed]

    def assert_writes_inside(self) -> None:
        name = f"{self.table}/data/written.parquet"
        blob = self.container.get_blob_client(name)
        blob.upload_blob(b"written")
        with pytest.raises(ResourceExistsError):
            blob.upload_blob(b"again", overwrite=False)
        blob.upload_blob(b"again", overwrite=True)
        assert blob.download_blob().readall() == b"again"
        blocks = self.container.get_blob_client(f"{name}.blocks")
        for number in ("1", "2"):
            blocks.stage_block(number, b"block")
        blocks.commit_block_list(["1", "2"])
        assert blocks.download_blob().readall() == b"blockblock"
        for written in (blob, blocks):
            written.delete_blob()
        left = self.container.list_blobs(name_starts_with=f"{self.table}/data/written")
        assert list(left) == []

    def assert_writes_inside_by_paths(self) -> None:
        """By the API of Data Lake Storage."""
        file = self.lake.get_file_client(f"{self.table}/data/by-path.parquet")
        file.create_file()
        file.append_data(b"path", offset=0, length=4)
        file.flush_data(4)
        assert self.container.get_blob_client(file.path_name).download_blob().readall() == b"path"
        assert file.path_name in [path.name for path in self.lake.get_paths(self.table)]
        file.delete_file()

    def assert_refuses_writes_inside(self, name: str) -> None:
        """Of a signature that may only read; the blob is in the table's folder."""
        self._refuses_writes(name, f"{self.table}/data/new.parquet")

    def assert_refuses_blob(self, name: str) -> None:
        """Of a blob outside the table, and of its folder."""
        blob = self.container.get_blob_client(name)
        parent = name.rpartition("/")[0]
        refused(f"read {name}", lambda: blob.download_blob().readall())
        refused(f"look at {name}", blob.get_blob_properties)
        refused(f"list {parent}", lambda: list(self.container.list_blobs(name_starts_with=f"{parent}/")))
        self._refuses_writes(name, f"{parent}/new.parquet")
        inside = self.container.get_blob_client(f"{self.table}/data/stolen.parquet")
        if self.lake:
            refused(f"create {parent}/new", self.lake.get_file_client(f"{parent}/new").create_file)
            refused(f"delete {name} by its path", self.lake.get_file_client(name).delete_file)
            refused(f"delete {parent}", self.lake.get_directory_client(parent).delete_directory)
        refused(f"copy {name}", lambda: inside.start_copy_from_url(blob.url, requires_sync=True))

    def assert_refuses_lists(self) -> None:
        """Of the container, of the folders above the table, and of those whose names begin like the table's."""
        parent = self.table.rpartition("/")[0]
        prefixes = (None, "", f"{parent}/", parent, f"{self.table}x/", f"{parent}/sibling/")
        for prefix in prefixes:
            refused(f"list {prefix!r}", lambda prefix=prefix: list(self.container.list_blobs(name_starts_with=prefix)))
        for path in (None, parent, f"{self.table}x", f"{parent}/sibling") if self.lake else ():
            refused(f"list paths of {path!r}", lambda path=path: list(self.lake.get_paths(path)))

    def assert_refuses_the_account(self) -> None:
        """Of containers, which the double knows nothing of."""
        refused("list containers", lambda: list(self.account.list_containers()))
        refused("create a container", lambda: self.account.create_container("another"))
        refused("delete the container", self.container.delete_container)
        refused("open the container", lambda: self.container.set_container_access_policy({}, public_access="blob"))

    def assert_refuses_delegation_keys(self) -> None:
        now = datetime.now(timezone.utc)
        refused("get a delegation key", lambda: self.account.get_user_delegation_key(now, now + timedelta(hours=1)))

    def _refuses_writes(self, name: str, new: str) -> None:
        for target in (name, new):
            blob = self.container.get_blob_client(target)
            refused(f"write {target}", lambda blob=blob: blob.upload_blob(b"x", overwrite=True))
            refused(f"write a block of {target}", lambda blob=blob: blob.stage_block("1", b"x"))
        refused(f"delete {name}", self.container.get_blob_client(name).delete_blob)


def refused(what: str, attempt: Callable[[], Any]) -> None:
    try:
        attempt()
    except HttpResponseError as error:
        # Without a status it was the client that refused.
        assert error.status_code == 403, f"{what}: {error.status_code} {error}"
    else:
        pytest.fail(f"The store let this signature {what}")
