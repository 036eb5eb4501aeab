"""Two servers over one database are one catalog."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from rest import Rest, table_path
from server import Server

ROUNDS = 30
REVOCATIONS = 20

MANAGEMENT = "/api/management/v1"
CATALOG_ROLES = f"{MANAGEMENT}/catalogs/shared/catalog-roles"
TABLE = table_path("shared", "db", "t")
MAY_READ = {"type": "catalog", "privilege": "TABLE_READ_PROPERTIES"}

pytestmark = pytest.mark.replicas


@pytest.fixture
def replicas(make_server: Callable[..., Server], new_store: Callable, tmp_path: Path):
    """Two servers, and a session with each; both use the token that the first gave out."""
    store = new_store()
    servers = [make_server(store, "replica").start() for _ in range(2)]
    first = Rest(servers[0].uri)
    first.create_file_catalog("shared", f"file://{tmp_path}/warehouse")
    first.create_namespace("shared", "db")
    first.create_table("shared", "db", "t")
    yield first, Rest(servers[1].uri, first.token)
    for server in servers:
        server.stop()


def test_replicas_that_start_together_bootstrap_once(make_server: Callable[..., Server], new_store: Callable):
    store = new_store()
    servers = [make_server(store, "together") for _ in range(3)]

    for server in servers:
        server.launch()
    for server in servers:
        server.wait_until_healthy()

    tokens = [Rest(server.uri).token for server in servers]
    for server in servers:
        for token in tokens:
            assert Rest(server.uri, token).get("/api/management/v1/catalogs")["catalogs"] == []
        server.stop()


def test_a_token_from_one_replica_is_good_at_the_other(replicas: tuple[Rest, Rest]):
    first, second = replicas

    assert second.load_table("shared", "db", "t") == first.load_table("shared", "db", "t")


def test_a_change_through_one_replica_is_seen_through_the_other_at_once(replicas: tuple[Rest, Rest]):
    first, second = replicas
    for number in range(20):
        writer, reader = (first, second) if number % 2 else (second, first)
        update = {"action": "set-properties", "updates": {"number": str(number)}}
        assert writer.commit("shared", "db", "t", [], [update]).status_code == 200

        assert reader.load_table("shared", "db", "t")["metadata"]["properties"]["number"] == str(number)

    assert first.send("DELETE", "/api/catalog/v1/shared/namespaces/db/tables/t").status_code == 204
    assert second.send("GET", "/api/catalog/v1/shared/namespaces/db/tables/t").status_code == 404


def test_of_two_writers_through_different_replicas_exactly_one_wins_each_round(replicas: tuple[Rest, Rest]):
    start = threading.Barrier(2)

    def race(rest: Rest, base: dict, column: str) -> requests.Response:
        start.wait(timeout=60)
        return rest.commit("shared", "db", "t", *_add_column(base, column))

    with ThreadPoolExecutor(2) as pool:
        for number in range(ROUNDS):
            base = replicas[0].load_table("shared", "db", "t")["metadata"]
            columns = [f"round_{number}_writer_{writer}" for writer in range(2)]
            answers = list(pool.map(race, replicas, [base, base], columns))

            assert sorted(answer.status_code for answer in answers) == [200, 409], [answer.text for answer in answers]
            winner = 0 if answers[0].status_code == 200 else 1
            assert answers[1 - winner].json()["error"]["type"] == "CommitFailedException"
            for rest in replicas:
                table = rest.load_table("shared", "db", "t")
                assert table["metadata-location"] == answers[winner].json()["metadata-location"]
                fields = [field["name"] for field in _current_schema(table["metadata"])["fields"]]
                assert columns[winner] in fields
                assert columns[1 - winner] not in fields


def test_property_commits_through_both_replicas_are_all_kept(replicas: tuple[Rest, Rest]):
    def write(rest: Rest, writer: int) -> list[int]:
        statuses = []
        for number in range(ROUNDS):
            update = {"action": "set-properties", "updates": {f"w{writer}-{number}": "kept"}}
            statuses.append(rest.commit("shared", "db", "t", [], [update]).status_code)
        return statuses

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(write, replicas, range(2)))

    properties = replicas[0].load_table("shared", "db", "t")["metadata"]["properties"]
    for writer, statuses in enumerate(both):
        assert set(statuses) <= {200, 409}
        for number, status in enumerate(statuses):
            assert (f"w{writer}-{number}" in properties) == (status == 200)


def test_of_tables_created_at_one_place_through_both_replicas_all_but_one_are_refused(replicas: tuple[Rest, Rest]):
    clients = [Rest(rest.uri, rest.token) for rest in replicas * 4]
    start = threading.Barrier(len(clients))
    base = replicas[0].load_table("shared", "db", "t")["metadata"]["location"]
    schema = {"type": "struct", "fields": []}

    def create(rest: Rest, name: str, location: str) -> int:
        body = {"name": name, "schema": schema, "location": location}
        start.wait(timeout=60)
        return rest.send("POST", "/api/catalog/v1/shared/namespaces/db/tables", json=body).status_code

    with ThreadPoolExecutor(len(clients)) as pool:
        for number in range(ROUNDS):
            # Places each of which is the one before, or lies in it.
            place = f"{base}-{number}"
            places = [place + "/below" * (index // 2) for index in range(len(clients))]
            names = [f"at-{number}-{index}" for index in range(len(clients))]
            statuses = list(pool.map(create, clients, names, places))
            assert sorted(statuses) == [200] + [403] * (len(clients) - 1), f"of {list(zip(places, statuses))}"


def test_a_grant_revoked_through_one_replica_is_gone_at_the_other_with_the_next_request(replicas: tuple[Rest, Rest]):
    reader = _make_principal(replicas[0], "reader")
    _give_roles(replicas[0], "reader")

    for admin, asked in _by_turns(replicas):
        ana = Rest(asked.uri, _token(admin, reader))
        _manage(admin, "PUT", f"{CATALOG_ROLES}/reader/grants", MAY_READ, expected=201)
        assert ana.send("GET", TABLE).status_code == 200
        _manage(admin, "POST", f"{CATALOG_ROLES}/reader/grants", MAY_READ, expected=201)
        assert ana.send("GET", TABLE).status_code == 403


def test_a_role_dropped_through_one_replica_is_gone_at_the_other_with_the_next_request(replicas: tuple[Rest, Rest]):
    reader = _make_principal(replicas[0], "reader")

    for number, (admin, asked) in enumerate(_by_turns(replicas)):
        _give_roles(admin, "reader", MAY_READ)
        in_all = Rest(asked.uri, _token(admin, reader))
        in_one = Rest(asked.uri, _token(admin, reader, "PRINCIPAL_ROLE:reader"))
        for ana in (in_all, in_one):
            assert ana.send("GET", TABLE).status_code == 200
        # The role of the catalog first, or the principal role: both open the table, and both together.
        paths = [f"{CATALOG_ROLES}/reader", f"{MANAGEMENT}/principal-roles/reader"]
        if number % 4 < 2:
            _manage(admin, "DELETE", paths[0], expected=204)
            assert [ana.send("GET", TABLE).status_code for ana in (in_all, in_one)] == [403, 403]
            _manage(admin, "DELETE", paths[1], expected=204)
        else:
            _manage(admin, "DELETE", paths[1], expected=204)
            assert [ana.send("GET", TABLE).status_code for ana in (in_all, in_one)] == [403, 401]
            _manage(admin, "DELETE", paths[0], expected=204)
        assert [ana.send("GET", TABLE).status_code for ana in (in_all, in_one)] == [403, 401]


def test_a_principal_dropped_through_one_replica_is_nobody_at_the_other_with_the_next_request(
    replicas: tuple[Rest, Rest],
):
    for admin, asked in _by_turns(replicas):
        reader = _make_principal(admin, "reader")
        _give_roles(admin, "reader", MAY_READ)
        ana = Rest(asked.uri, _token(admin, reader))
        assert ana.send("GET", TABLE).status_code == 200

        _manage(admin, "DELETE", f"{MANAGEMENT}/principals/reader", expected=204)

        assert ana.send("GET", TABLE).status_code == 401
        assert _ask_for_token(asked, reader).status_code == 401
        for path in (f"{CATALOG_ROLES}/reader", f"{MANAGEMENT}/principal-roles/reader"):
            _manage(admin, "DELETE", path, expected=204)


def test_a_secret_rotated_through_one_replica_is_refused_by_the_other_with_the_next_request(
    replicas: tuple[Rest, Rest],
):
    for number, (admin, asked) in enumerate(_by_turns(replicas)):
        name = f"rotating-{number}"
        path = f"{MANAGEMENT}/principals/{name}"
        first = _make_principal(admin, name)
        itself = Rest(admin.uri, _token(admin, first))
        second = _manage(itself, "POST", f"{path}/rotate")["credentials"]
        # The secret before a rotation stays good until the next one, so that clients can be changed one by one.
        assert [_ask_for_token(asked, known).status_code for known in (first, second)] == [200, 200]

        third = _manage(itself, "POST", f"{path}/rotate")["credentials"]
        assert [_ask_for_token(asked, known).status_code for known in (first, second, third)] == [401, 200, 200]

        fourth = _manage(admin, "POST", f"{path}/reset")["credentials"]
        assert [_ask_for_token(asked, known).status_code for known in (second, third, fourth)] == [401, 401, 200]


def _by_turns(replicas: tuple[Rest, Rest]) -> list[tuple[Rest, Rest]]:
    """Who changes what may be done, and who is asked right after: each of the two in turn."""
    first, second = replicas
    return [(first, second) if number % 2 else (second, first) for number in range(REVOCATIONS)]


def _manage(rest: Rest, method: str, path: str, body: dict | None = None, expected: int = 200) -> Any:
    answer = rest.send(method, path, json=body)
    assert answer.status_code == expected, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def _make_principal(rest: Rest, name: str) -> dict[str, str]:
    """Makes a principal, and returns its credentials."""
    return _manage(rest, "POST", f"{MANAGEMENT}/principals", {"name": name}, expected=201)["credentials"]


def _give_roles(rest: Rest, name: str, *grants: dict) -> None:
    """Makes a principal role and a role of the catalog of a principal's name, and gives both to it."""
    _manage(rest, "POST", f"{MANAGEMENT}/principal-roles", {"name": name}, expected=201)
    _manage(rest, "PUT", f"{MANAGEMENT}/principals/{name}/principal-roles", {"name": name}, expected=201)
    _manage(rest, "POST", CATALOG_ROLES, {"name": name}, expected=201)
    _manage(rest, "PUT", f"{MANAGEMENT}/principal-roles/{name}/catalog-roles/shared", {"name": name}, expected=201)
    for grant in grants:
        _manage(rest, "PUT", f"{CATALOG_ROLES}/{name}/grants", grant, expected=201)


def _ask_for_token(
    rest: Rest, credentials: dict[str, str], scope: str = "PRINCIPAL_ROLE:ALL"
) -> requests.Response:
    """Asks a replica for a token, and returns whatever the answer is."""
    form = {
        "grant_type": "client_credentials",
        "client_id": credentials["clientId"],
        "client_secret": credentials["clientSecret"],
        "scope": scope,
    }
    return requests.post(f"{rest.uri}/api/catalog/v1/oauth/tokens", data=form, timeout=60)


def _token(rest: Rest, credentials: dict[str, str], scope: str = "PRINCIPAL_ROLE:ALL") -> str:
    answer = _ask_for_token(rest, credentials, scope)
    assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
    return answer.json()["access_token"]


def _current_schema(metadata: dict) -> dict:
    return next(schema for schema in metadata["schemas"] if schema["schema-id"] == metadata["current-schema-id"])


def _add_column(base: dict, name: str) -> tuple[list[dict], list[dict]]:
    """Returns requirements and updates that add a column, provided that nobody has changed the schema meanwhile."""
    column = {"id": base["last-column-id"] + 1, "name": name, "type": "string", "required": False}
    number = 1 + max(schema["schema-id"] for schema in base["schemas"])
    schema = {"type": "struct", "schema-id": number, "fields": [*_current_schema(base)["fields"], column]}
    requirements = [
        {"type": "assert-table-uuid", "uuid": base["table-uuid"]},
        {"type": "assert-current-schema-id", "current-schema-id": base["current-schema-id"]},
    ]
    updates = [
        {"action": "add-schema", "schema": schema, "last-column-id": column["id"]},
        {"action": "set-current-schema", "schema-id": -1},
    ]
    return requirements, updates
