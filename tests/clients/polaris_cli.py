"""The command line of Apache Polaris: a process for each command, with its output and its exit status."""

import json
import multiprocessing
import os
import sys
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENDS_WITHIN_S = 60

# Starting Python and importing the command line takes seconds. It is done once, in a process that each command is then
# forked from.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    [f"apache_polaris.cli.{name}" for name in ("polaris_cli", "command.find", "command.setup", "command.views")]
)


@dataclass(frozen=True)
class Ending:
    """How a command ended."""

    status: int
    printed: str
    complaint: str


class PolarisCli:
    """`polaris`, run by one principal against one server."""

    def __init__(self, uri: str, client_id: str, client_secret: str):
        self.uri = uri
        self._options = ("--base-url", uri, "--client-id", client_id, "--client-secret", client_secret)

    def run(self, *arguments: str) -> Ending:
        """Runs a command and returns how it ended, well or not."""
        return run((*self._options, *arguments))

    def text(self, *arguments: str) -> str:
        """Runs a command that must end well, and returns what it printed."""
        ending = self.run(*arguments)
        assert ending.status == 0, f"polaris {' '.join(arguments)}: {ending}"
        return ending.printed

    def do(self, *arguments: str) -> None:
        """Runs a command that must end well and has nothing to print."""
        assert self.text(*arguments) == ""

    def lines(self, *arguments: str) -> list[Any]:
        """Runs a command that must end well, and returns what it printed: JSON, a value a line."""
        return [json.loads(line) for line in self.text(*arguments).splitlines()]

    def show(self, *arguments: str) -> Any:
        """Runs a command that must end well and print one line of JSON."""
        (shown,) = self.lines(*arguments)
        return shown

    def refuse(self, *arguments: str) -> str:
        """Runs a command that the server must refuse, and returns which exception it was refused with."""
        ending = self.run(*arguments)
        prefix = "Exception when communicating with the Polaris server. "
        assert ending.status == 1, f"polaris {' '.join(arguments)}: {ending}"
        assert ending.printed == ""
        assert ending.complaint.startswith(prefix), ending.complaint
        return ending.complaint.removeprefix(prefix).split(":")[0]


@dataclass(frozen=True)
class Person:
    """A principal who holds one principal role, which holds one catalog role, which holds nothing yet."""

    name: str
    client_id: str
    client_secret: str
    principal_role: str
    catalog: str
    catalog_role: str

    def cli(self, uri: str) -> PolarisCli:
        return PolarisCli(uri, self.client_id, self.client_secret)


def run(arguments: tuple[str, ...]) -> Ending:
    with tempfile.TemporaryDirectory() as directory:
        outputs = [Path(directory, name) for name in ("printed", "complaint")]
        for output in outputs:
            output.touch()
        process = _PROCESSES.Process(target=_be_polaris, args=(arguments, *outputs))
        process.start()
        process.join(ENDS_WITHIN_S)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise AssertionError(f"polaris did not end within {ENDS_WITHIN_S} s: {' '.join(arguments)}")
        return Ending(process.exitcode, *(output.read_text() for output in outputs))


def hire(cli: PolarisCli, catalog: str) -> Person:
    """Makes a person who is known to a catalog and may do nothing in it."""
    name = unique("person")
    principal_role, catalog_role = f"{name}-is", f"{name}-may"
    credentials = cli.show("principals", "create", name)
    cli.do("principal-roles", "create", principal_role)
    cli.do("principal-roles", "grant", principal_role, "--principal", name)
    cli.do("catalog-roles", "create", catalog_role, "--catalog", catalog)
    cli.do("catalog-roles", "grant", catalog_role, "--catalog", catalog, "--principal-role", principal_role)
    return Person(name, credentials["clientId"], credentials["clientSecret"], principal_role, catalog, catalog_role)


def on(catalog: str, catalog_role: str, namespace: str | None = None, table: str | None = None) -> list[str]:
    """Returns the options that say what a privilege is on, and who holds it."""
    options = ["--catalog", catalog, "--catalog-role", catalog_role]
    options += ["--namespace", namespace] if namespace else []
    return options + (["--table", table] if table else [])


def unique(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex[:12]}"


def _be_polaris(arguments: tuple[str, ...], printed: Path, complaint: Path) -> None:
    """Does in a new process what the command `polaris` does."""
    for number, path in ((1, printed), (2, complaint)):
        os.dup2(os.open(path, os.O_WRONLY), number)
    # Settings of whoever runs the tests must not reach it.
    os.environ.clear()
    sys.argv = ["polaris", *arguments]
    from apache_polaris.cli.polaris_cli import main

    main()
