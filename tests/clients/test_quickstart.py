"""`merak quickstart`: what it prints is pasted into a Python that knows nothing else."""

import ast
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable

from server import Server, Sqlite

PRINTED_WITHIN_S = 10
OTHER_HEADINGS = ("Spark", "Trino", "DuckDB", "Flink")
FIRST_STEPS = """
import pyarrow
from pyiceberg.catalog import Catalog
catalog = next(value for value in list(globals().values()) if isinstance(value, Catalog))
catalog.create_namespace_if_not_exists("pasted")
table = catalog.create_table_if_not_exists("pasted.orders", schema=pyarrow.schema([("id", pyarrow.int64())]))
table.append(pyarrow.table({"id": [len(table.scan().to_arrow())]}))
print("READ", sorted(table.scan().to_arrow()["id"].to_pylist()))
"""


def test_the_pyiceberg_settings_it_prints_work_as_pasted_and_again_after_a_restart(make_server: Callable[..., Server]):
    server = make_server(Sqlite(), "quickstart", command="quickstart").start()
    assert _paste(_pyiceberg_block(_printed(server))) == [0]

    server.stop()
    already_printed = len(server.printed.read_text())
    server.start()

    assert _paste(_pyiceberg_block(_printed(server, already_printed))) == [0, 1]
    server.stop()


def _printed(server: Server, offset: int = 0) -> str:
    """Returns what the server printed since `offset`, once the last engine's settings are there."""
    deadline = time.monotonic() + PRINTED_WITHIN_S
    while True:
        printed = server.printed.read_text()[offset:]
        if "PyIceberg" in printed and all(heading in printed for heading in ("Spark", "Trino", "DuckDB")):
            return printed
        assert time.monotonic() < deadline, f"no settings for every engine in: {printed}"
        time.sleep(0.02)


def _pyiceberg_block(printed: str) -> str:
    """Returns the Python below the heading that names PyIceberg, up to the next heading."""
    lines = iter(printed.splitlines())
    next(line for line in lines if "PyIceberg" in line)
    block: list[str] = []
    after_blank = False
    for line in lines:
        if after_blank and any(heading in line for heading in OTHER_HEADINGS):
            break
        after_blank = not line.strip()
        if not line.strip().startswith("```"):
            block.append(line)
    code = textwrap.dedent("\n".join(block))
    ast.parse(code)
    return code


def _paste(code: str) -> list[int]:
    environment = {name: os.environ[name] for name in ("PATH", "NO_PROXY", "no_proxy")}
    command = [sys.executable, "-c", f"{code}\n{FIRST_STEPS}"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, f"{code}\n{run.stderr}"
    (read,) = [line.removeprefix("READ ") for line in run.stdout.splitlines() if line.startswith("READ ")]
    return ast.literal_eval(read)
