"""`merak quickstart`: what it prints is pasted into clients that know nothing else."""

import ast
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from lake import DUCKDB_EXTENSIONS
from server import Server, Sqlite

PRINTED_WITHIN_S = 10
ENGINES = ("PyIceberg", "Spark", "Trino", "DuckDB")
# What is pasted leaves a table and its catalog in these variables.
READ = "print('READ', sorted(table.scan().to_arrow().to_pylist(), key=lambda row: row['id']))"
FIRST_ROWS = [{"id": 1, "name": "Dubhe"}, {"id": 2, "name": "Merak"}]
ROW_OF_DUCKDB = {"id": 3, "name": "Phecda"}


def test_the_settings_it_prints_work_as_pasted_and_again_after_a_restart(
    make_server: Callable[..., Server], extensions: Path
):
    server = make_server(Sqlite(), "quickstart", command="quickstart").start()
    printed = _printed(server)
    assert _paste_python(_block(printed, "PyIceberg")) == FIRST_ROWS

    with _paste_sql(_block(printed, "DuckDB"), extensions) as connection:
        connection.execute("INSERT INTO quickstart.demo.stars VALUES (3, 'Phecda')")
        read = connection.execute("SELECT id, name FROM quickstart.demo.stars ORDER BY id").fetchall()
    assert read == [(1, "Dubhe"), (2, "Merak"), (3, "Phecda")]

    server.stop()
    already_printed = len(server.printed.read_text())
    server.start()

    again = _printed(server, already_printed)
    assert _block(again, "PyIceberg") == _block(printed, "PyIceberg")
    rows = _paste_python(_block(again, "PyIceberg"))
    assert rows == sorted([*FIRST_ROWS, ROW_OF_DUCKDB, *FIRST_ROWS], key=lambda row: row["id"])
    server.stop()


def test_standard_output_is_for_the_settings_and_standard_error_for_the_log(make_server: Callable[..., Server]):
    server = make_server(Sqlite(), "streams", command="quickstart").start()
    printed = _printed(server)
    server.stop()

    assert "merak is serving" in server.log.read_text()
    assert "merak is serving" not in printed
    assert "---" not in server.log.read_text()
    # Neither is a terminal.
    assert "\x1b" not in printed + server.log.read_text()


def _printed(server: Server, offset: int = 0) -> str:
    """Returns what the server printed since `offset`, once the last engine's settings are there."""
    deadline = time.monotonic() + PRINTED_WITHIN_S
    while True:
        printed = server.printed.read_text()[offset:]
        if all(f"--- {engine} " in printed for engine in ENGINES) and "ATTACH" in printed and printed.endswith("\n"):
            return printed
        assert time.monotonic() < deadline, f"no settings for every engine in: {printed}"
        time.sleep(0.02)


def _block(printed: str, engine: str) -> str:
    """Returns what is printed below an engine's heading, up to the next heading."""
    lines = iter(printed.splitlines())
    next(line for line in lines if line.startswith(f"--- {engine} "))
    block: list[str] = []
    for line in lines:
        if line.startswith("--- "):
            break
        block.append(line)
    return "\n".join(block)


def _paste_python(code: str) -> list[dict]:
    environment = {name: os.environ[name] for name in ("PATH", "NO_PROXY", "no_proxy")}
    command = [sys.executable, "-c", f"{code}\n{READ}"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, f"{code}\n{run.stderr}"
    (read,) = [line.removeprefix("READ ") for line in run.stdout.splitlines() if line.startswith("READ ")]
    return ast.literal_eval(read)


def _paste_sql(statements: str, extensions: Path) -> duckdb.DuckDBPyConnection:
    config = {"extension_directory": str(extensions), "autoinstall_known_extensions": "false"}
    connection = duckdb.connect(config=config)
    for extension in DUCKDB_EXTENSIONS:
        connection.execute(f"LOAD {extension}")
    connection.execute(statements)
    return connection
