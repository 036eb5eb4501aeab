"""What only one test may do at a time, though tests on both stores run at once."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Waits until nobody else of this run does it, and keeps others from it."""
    directory = os.environ.get("MERAK_TEST_LOGS") or tempfile.gettempdir()
    with Path(directory, f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
