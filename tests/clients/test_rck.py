"""Iceberg's REST Compatibility Kit: each of its cases is one here.

rck/cases.txt lists them, and docs/compatibility.md those that the kit leaves out. After a change of the kit's version,
`UPDATE_CASES=1` writes the list anew from what ran.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import MakeServer
from rck import SUITES, Outcome, Run
from rest import Rest
from server import Postgres, Sqlite

CASES = Path(__file__).with_name("rck") / "cases.txt"
DOCUMENT = Path(__file__).parents[2] / "docs" / "compatibility.md"
LEFT_OUT = re.compile(r"^\| (?P<suite>\w+) \| `(?P<case>\w+\(\w*\)(\[\d+\])?)` \| (?P<reason>.+) \|$", re.MULTILINE)
PROPERTIES = {
    # The kit asks for places below its temporary folder, not below the namespace.
    "polaris.config.allow.unstructured.table.location": "true",
    # It makes a table under a name whose last table was renamed.
    "polaris.config.default-unique-table-location.enabled": "true",
    "polaris.config.drop-with-purge.enabled": "true",
    # It registers the metadata file of a view that it dropped.
    "polaris.config.purge-view-metadata-on-drop": "false",
}
MANAGE = {"type": "catalog", "privilege": "CATALOG_MANAGE_CONTENT"}


def _listed() -> list[tuple[str, str]]:
    return [tuple(line.split(" ", 1)) for line in CASES.read_text().splitlines()]


@pytest.fixture(scope="session")
def runs(
    request: pytest.FixtureRequest,
    make_server: MakeServer,
    new_store: Callable[[], Sqlite | Postgres],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Run]]:
    """The suites that this session has cases of, all at work, each on a server and a catalog of its own."""
    wanted = {item.callspec.params["suite"] for item in request.session.items if "runs" in item.fixturenames}
    servers = []
    runs = {}
    for name in sorted(wanted):
        suite = SUITES[name]
        servers.append(make_server(new_store(), f"rck-{name}", properties=suite.server).start())
        rest = Rest(servers[-1].uri)
        home = tmp_path_factory.mktemp(f"rck-{name}")
        storage = {"storageType": "FILE", "allowedLocations": [f"file://{home}"]}
        rest.create_catalog("kit", f"file://{home}/warehouse", storage, PROPERTIES)
        client = {
            "uri": f"{rest.uri}/api/catalog",
            "warehouse": "kit",
            "credential": ":".join(rest.create_credentials("kit", "kit", MANAGE)),
            "scope": "PRINCIPAL_ROLE:ALL",
        }
        runs[name] = Run(suite, client | suite.client, home)
    yield runs
    for run in runs.values():
        run.kill()
    for server in servers:
        server.stop()


@pytest.mark.parametrize(("suite", "case"), _listed(), ids=[" ".join(listed) for listed in _listed()])
def test_case(runs: dict[str, Run], suite: str, case: str):
    outcome = runs[suite].outcomes().get(case)
    assert outcome, f"{case} did not run; {runs[suite].ending()}"
    if outcome.kind != "passed":
        pytest.fail(f"{outcome.kind}: {outcome.text}", pytrace=False)


@pytest.mark.parametrize("suite", SUITES)
def test_every_case_is_listed_here_or_in_the_docs_as_left_out_by_the_kit(runs: dict[str, Run], suite: str):
    outcomes = runs[suite].outcomes()
    assert outcomes, runs[suite].ending()
    if os.environ.get("UPDATE_CASES"):
        _update(suite, outcomes)

    left_out = {case for case, outcome in outcomes.items() if outcome.kind == "skipped"}
    documented = LEFT_OUT.finditer(DOCUMENT.read_text())
    assert left_out == {match["case"] for match in documented if match["suite"] == suite}
    assert outcomes.keys() - left_out == {case for listed, case in _listed() if listed == suite}


def _update(suite: str, outcomes: dict[str, Outcome]) -> None:
    of_others = [listed for listed in _listed() if listed[0] != suite]
    of_suite = [(suite, case) for case, outcome in outcomes.items() if outcome.kind != "skipped"]
    CASES.write_text("".join(f"{' '.join(listed)}\n" for listed in sorted(of_others + of_suite)))
