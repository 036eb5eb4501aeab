"""Two servers over one database are one catalog."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from rest import Rest
from server import Server

ROUNDS = 30

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
