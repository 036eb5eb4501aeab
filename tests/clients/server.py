"""A `merak` process of one's own, on free loopback ports, over either store."""

import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psycopg
import requests

READY_WITHIN_S = 30
STOPPED_WITHIN_S = 20
CLIENT_ID = "root"
CLIENT_SECRET = "s3cr3t"
FEATURES = {
    'polaris.features."SUPPORTED_CATALOG_STORAGE_TYPES"': '["FILE","S3","AZURE","GCS"]',
    'polaris.features."ALLOW_INSECURE_STORAGE_TYPES"': "true",
}

# Below the range from which the kernel takes ports for outgoing connections.
_PORTS = list(range(20000, 32000))
random.shuffle(_PORTS)


def free_port() -> int:
    """Returns a loopback port that nothing listens on and that no caller was given before."""
    while True:
        port = _PORTS.pop()
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Sqlite:
    """The embedded store: a file in the server's data directory."""

    name = "sqlite"

    def environment(self) -> dict[str, str]:
        return {}

    def drop(self) -> None:
        pass


class Postgres:
    """A fresh database on the PostgreSQL server that the test run started."""

    name = "postgres"

    def __init__(self, admin_url: str):
        self._admin_url = admin_url
        self._database = f"clients_{uuid.uuid4().hex[:12]}"
        self._administer(f'create database "{self._database}"')

    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": f"{self._admin_url.rsplit('/', 1)[0]}/{self._database}"}

    def drop(self) -> None:
        self._administer(f'drop database if exists "{self._database}" with (force)')

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(statement)


class Server:
    """One server process; `start` and `kill` may alternate, on the same ports and the same data."""

    def __init__(
        self,
        binary: Path,
        home: Path,
        log: Path,
        command: str,
        environment: dict[str, str],
        properties: dict[str, str],
    ):
        self.port = free_port()
        self.management_port = free_port()
        self.home = home
        self.data = home / "data"
        self.log = log
        self.printed = log.with_suffix(".out")
        self._binary = binary
        self._command = command
        self._properties = properties
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "RUST_BACKTRACE": "1",
            "MERAK_DATA_DIR": str(self.data),
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> "Server":
        """Starts the process and waits until it is healthy."""
        self.launch()
        self.wait_until_healthy()
        return self

    def launch(self) -> None:
        """Starts the process. Not from a short-lived thread: the process ends with the thread that made it."""
        properties = {
            "quarkus.http.port": str(self.port),
            "quarkus.management.port": str(self.management_port),
            **(FEATURES if self._command == "serve" else {}),
            **self._properties,
        }
        flags = [flag for item in properties.items() for flag in ("-D", "=".join(item))]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log, self.printed.open("ab") as printed:
            self._process = subprocess.Popen(
                [str(self._binary), self._command, *flags],
                cwd=self.home,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=log,
                preexec_fn=die_with_parent,
            )

    def wait_until_healthy(self) -> None:
        health = f"http://127.0.0.1:{self.management_port}/q/health"
        deadline = time.monotonic() + READY_WITHIN_S
        while not _answers_200(health):
            if self._process.poll() is not None:
                ending = f"ended with {self._process.returncode} before it was healthy"
                raise AssertionError(f"the server {ending}: {self._tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the server was not healthy after {READY_WITHIN_S} s: {self._tail()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """Ends the process as a power cut would: nothing is flushed, no connection is closed."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Ends the process as an operator would, and fails if it does not follow."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"the server did not stop within {STOPPED_WITHIN_S} s of SIGTERM: {self._tail()}"
            ) from None
        self._process = None

    def peak_memory_mib(self) -> float:
        """Returns the most memory that the running process had so far."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (peak,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) / 1024

    def _tail(self) -> str:
        texts = [file.read_text(errors="replace") for file in (self.printed, self.log)]
        return "\n".join(["", *(line for text in texts for line in text.splitlines()[-40:])])


def _answers_200(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.RequestException:
        return False


def die_with_parent() -> None:
    """Has a process that is about to begin end with the one that made it."""
    # A test run that is itself killed must not leave servers behind. 1 is PR_SET_PDEATHSIG.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
