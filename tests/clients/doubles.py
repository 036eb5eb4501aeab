"""The strict doubles of clouds, as processes, and what a server must be told to take them for the clouds.

All that is known of their command line, of what they print, and of the server's settings is here.
"""

import json
import os
import selectors
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from server import die_with_parent, free_port

READY_WITHIN_S = 30

# The server's settings, by what they point at.
GOOGLE_SETTINGS = ("merak.storage.gcp.sts-endpoint", "merak.storage.gcp.iam-endpoint", "merak.storage.gcp.endpoint")
AZURE_ENDPOINT = "merak.storage.azure.endpoint"
AZURE_SAS_VERSION = "merak.storage.azure.sas-version"
AZURE_AUTHORITY = "AZURE_AUTHORITY_HOST"
# The newest that Azurite knows.
SAS_VERSION = "2025-07-05"


@dataclass(frozen=True)
class Google:
    """Google's tokens, access boundaries and storage."""

    endpoint: str
    bucket: str
    # Service accounts, by what they are in the tests: "server" may impersonate "lake".
    accounts: dict[str, str]
    # Credentials files, by their kinds.
    files: dict[str, str]

    def server_properties(self) -> dict[str, str]:
        return dict.fromkeys(GOOGLE_SETTINGS, self.endpoint)

    def admin_token(self) -> str:
        """Returns a token that may do everything in the bucket."""
        body = {"account": self.accounts["server"]}
        return requests.post(f"{self.endpoint}/_double/token", json=body, timeout=30).json()["access_token"]


@dataclass(frozen=True)
class Azure:
    """Storage accounts, and who issues tokens for them: the double, or Azurite with what it lacks."""

    # Where blobs are: accounts are below it, each by its name.
    endpoint: str
    # Where Data Lake Storage is, likewise, if there is any.
    dfs_endpoint: str | None
    authority: str
    tenant: str
    client_id: str
    client_secret: str
    # By what they are: "flat", or "hierarchical", where directories can be opened.
    accounts: dict[str, str]
    container: str

    def server_environment(self) -> dict[str, str]:
        return {
            "AZURE_TENANT_ID": self.tenant,
            "AZURE_CLIENT_ID": self.client_id,
            "AZURE_CLIENT_SECRET": self.client_secret,
            AZURE_AUTHORITY: self.authority,
        }

    def server_properties(self) -> dict[str, str]:
        return {AZURE_ENDPOINT: self.endpoint, AZURE_SAS_VERSION: SAS_VERSION}

    def storage(self, hierarchical: bool | None = None) -> dict[str, Any]:
        """Returns the storage configuration of a catalog there."""
        storage = {"storageType": "AZURE", "tenantId": self.tenant}
        return storage if hierarchical is None else {**storage, "hierarchical": hierarchical}


@contextmanager
def google(folder: Path) -> Iterator[Google]:
    """Runs the double of Google in front of fake-gcs-server, which keeps the objects. Files go to the folder."""
    own = f"127.0.0.1:{free_port()}"
    data = f"http://{own}"
    storage = [os.environ["MERAK_TEST_FAKE_GCS_BINARY"], "-host", "127.0.0.1", "-port", own.split(":")[1]]
    storage += ["-scheme", "http", "-backend", "memory", "-log-level", "warn"]
    storage += ["-public-host", own, "-external-url", data]
    with _process(storage, folder / "fake-gcs-server.log"):
        _wait_for(f"{data}/_internal/healthcheck")
        arguments = ["--port", "0", "--data", data, "--fixtures", str(folder)]
        with double("google", arguments, folder) as told:
            made = requests.post(f"{data}/storage/v1/b", json={"name": told["bucket"]}, timeout=30)
            assert made.status_code in (200, 409), made.text
            yield Google(told["endpoint"], told["bucket"], told["accounts"], told["fixtures"])


@contextmanager
def azure(folder: Path) -> Iterator[Azure]:
    """Runs the double of Azure."""
    with double("azure", ["--port", "0"], folder) as told:
        yield Azure(
            endpoint=told["endpoint"],
            dfs_endpoint=told["dfs_endpoint"],
            authority=told["endpoint"],
            tenant=told["tenant"],
            client_id=told["client_id"],
            client_secret=told["client_secret"],
            accounts=told["accounts"],
            container=told["container"],
        )


@contextmanager
def double(cloud: str, arguments: list[str], folder: Path) -> Iterator[dict[str, Any]]:
    command = [os.environ["MERAK_TEST_DOUBLES"], cloud, *arguments]
    with _process(command, folder / f"double-of-{cloud}.log") as process, selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        assert selector.select(READY_WITHIN_S), f"{command} said nothing"
        line = process.stdout.readline()
        assert line, f"{command} ended: {(folder / f'double-of-{cloud}.log').read_text()}"
        yield json.loads(line)


@contextmanager
def _process(command: list[str], log: Path) -> Iterator[subprocess.Popen]:
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, preexec_fn=die_with_parent
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            if requests.get(url, timeout=5).status_code == 200:
                return
        except requests.RequestException:
            pass
        assert time.monotonic() < deadline, f"nobody answers at {url}"
        time.sleep(0.02)
