"""docs/access.md, as it stands: its commands give a team the access that it says, and its refusal is explained so."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import ForbiddenError

from rest import Rest
from rows import SCHEMA, ids, rows
from server import CLIENT_ID, CLIENT_SECRET, Server

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "access.md"
WAYS = {"REST": "### By REST", "the command line": "### By the command line"}


@pytest.fixture
def own_server(make_server: Callable[..., Server], new_store: Callable, tmp_path: Path):
    """A server with the catalog and the table that the document is about, and nothing else."""
    server = make_server(new_store(), "access").start()
    rest = Rest(server.uri)
    rest.create_file_catalog("lake", f"file://{tmp_path}/warehouse")
    for namespace in ("sky", "sea"):
        rest.create_namespace("lake", namespace)
        rest.create_table("lake", namespace, "stars")
    yield server
    server.stop()


@pytest.mark.parametrize("way", WAYS)
def test_a_team_gets_the_access_that_the_document_says(own_server: Server, way: str):
    commands = _commands(_section(WAYS[way]))
    ana = _credentials(_run(own_server, commands))
    wes = _credentials(_run(own_server, [*commands[:2], *_member("wes", "engineers", commands)]))
    reader, writer = (_catalog(own_server, credentials) for credentials in (ana, wes))

    table = writer.create_table("sky.events", schema=SCHEMA)
    table.append(rows(1, 2))
    assert ids(reader.load_table("sky.events")) == [1, 2]
    assert set(reader.list_tables("sky")) == {("sky", "events"), ("sky", "stars")}
    assert set(reader.list_namespaces()) == {("sky",), ("sea",)}

    for refused in (
        lambda: reader.load_table("sky.events").append(rows(3)),
        lambda: reader.drop_table("sky.events"),
        lambda: reader.create_namespace("ana"),
        lambda: writer.create_namespace("wes"),
        lambda: writer.create_table("sea.events", schema=SCHEMA),
        lambda: writer.load_table("sea.stars"),
    ):
        with pytest.raises(ForbiddenError):
            refused()
    writer.create_namespace("sky.deep")
    writer.drop_table("sky.events")


def test_a_refusal_is_explained_as_the_document_shows(own_server: Server, binary: Path):
    _run(own_server, _commands(_section(WAYS["REST"])))
    (shown,) = re.findall(r"```console\n\$ merak explain (.*?)```", DOCUMENT.read_text(), re.S)
    arguments, expected = shown.replace("\\\n", " ").split("\n", 1)

    answer = _explain(own_server, binary, arguments.replace("$server", own_server.uri).split())
    allowed = _explain(own_server, binary, _question(own_server, "LOAD_TABLE"))
    unanswered = _explain(own_server, binary, _question(own_server, "DANCE"))
    as_nobody = _explain(own_server, binary, _question(own_server, "LOAD_TABLE"), CLIENT_SECRET="wrong")

    assert (answer.stdout, answer.returncode) == (expected, 1)
    assert allowed.returncode == 0
    assert allowed.stdout.endswith("So LOAD_TABLE is allowed.\n")
    assert (unanswered.stdout, unanswered.returncode) == ("", 2)
    assert "Unknown operation 'DANCE'" in unanswered.stderr
    assert (as_nobody.stdout, as_nobody.returncode) == ("", 2)
    assert "no token was issued: 401 Unauthorized" in as_nobody.stderr


def test_a_refusal_is_in_the_log_with_what_was_missing(own_server: Server):
    ana = _credentials(_run(own_server, _commands(_section(WAYS["REST"]))))
    reader = _catalog(own_server, ana)

    with pytest.raises(ForbiddenError, match="is not authorized for op DROP_TABLE_WITHOUT_PURGE") as refusal:
        reader.drop_table("sky.stars")

    assert "TABLE_DROP" not in str(refusal.value).replace("DROP_TABLE_WITHOUT_PURGE", "")
    log = own_server.log.read_text()
    (line,) = (line for line in log.splitlines() if "operation refused" in line)
    for part in ("ana", "analysts", "DROP_TABLE_WITHOUT_PURGE", "TABLE_DROP on Table sky.stars in lake"):
        assert part in line
    (audit,) = (line for line in log.splitlines() if "method=DELETE" in line)
    for part in ('principal="ana"', 'operation="DROP_TABLE_WITHOUT_PURGE"', "Table sky.stars in lake", "status=403"):
        assert part in audit
    assert ana[1] not in log


def _section(heading: str) -> str:
    """Returns the text below a heading, up to the next one of the same kind or a greater one."""
    text = DOCUMENT.read_text().split(f"\n{heading}\n")[1]
    return re.split(r"\n##+ ", text)[0]


def _commands(section: str) -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", section, re.S)
    commands = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    assert len(commands) == 2 + 5 + 5 + 2, commands
    return commands


def _member(name: str, role: str, commands: list[str]) -> list[str]:
    """Returns the commands that make a member of a team, for another one."""
    return [re.sub(r"\bana\b", name, command).replace("analysts", role) for command in commands[-2:]]


def _run(server: Server, commands: list[str]) -> str:
    """Runs commands in one shell, where each must succeed, and returns what they printed."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(server.home),
        "NO_PROXY": "127.0.0.1,localhost",
        "server": server.uri,
        "token": Rest(server.uri).token,
    }
    script = "\n".join(["set -e", *commands])
    ending = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=240)
    assert ending.returncode == 0, f"{ending.stdout}\n{ending.stderr}"
    return ending.stdout


def _credentials(printed: str) -> tuple[str, str]:
    """Finds the credentials of a new principal, however they are nested."""
    (client_id,) = set(re.findall(r'"clientId": ?"(\w+)"', printed))
    (client_secret,) = re.findall(r'"clientSecret": ?"(\w+)"', printed)
    return client_id, client_secret


def _catalog(server: Server, credentials: tuple[str, str]) -> Catalog:
    return load_catalog(
        "lake",
        type="rest",
        uri=f"{server.uri}/api/catalog",
        warehouse="lake",
        credential=":".join(credentials),
        scope="PRINCIPAL_ROLE:ALL",
        **{"header.X-Iceberg-Access-Delegation": "vended-credentials"},
    )


def _question(server: Server, operation: str) -> list[str]:
    on_table = ["--catalog", "lake", "--namespace", "sky", "--table", "stars"]
    return ["--server", server.uri, "--principal", "ana", "--operation", operation, *on_table]


def _explain(
    server: Server, binary: Path, arguments: list[str], **environment: str
) -> subprocess.CompletedProcess[str]:
    environment = {"CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "NO_PROXY": "localhost", **environment}
    return subprocess.run(
        [str(binary), "explain", *arguments], env=environment, capture_output=True, text=True, timeout=60
    )
