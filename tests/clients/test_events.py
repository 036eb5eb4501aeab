"""A server that is killed again and again has an event of each change that it made, and of no other."""

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from rest import Rest, table_path
from server import CLIENT_ID, CLIENT_SECRET, Server

KILLS = 50
CATALOG = "crash"
MANAGEMENT = "/api/management/v1"
DELIVERED_WITHIN_S = 60
TYPES = (
    "AFTER_CREATE_NAMESPACE",
    "AFTER_UPDATE_NAMESPACE_PROPERTIES",
    "AFTER_DROP_NAMESPACE",
    "AFTER_CREATE_TABLE",
    "AFTER_UPDATE_TABLE",
    "AFTER_DROP_TABLE",
    "AFTER_CREATE_CATALOG_ROLE",
    "AFTER_ADD_GRANT_TO_CATALOG_ROLE",
    "AFTER_REVOKE_GRANT_FROM_CATALOG_ROLE",
)
PRIVILEGES = (
    "NAMESPACE_CREATE",
    "NAMESPACE_DROP",
    "NAMESPACE_LIST",
    "TABLE_CREATE",
    "TABLE_DROP",
    "TABLE_LIST",
    "TABLE_READ_DATA",
    "TABLE_WRITE_DATA",
    "VIEW_CREATE",
    "VIEW_DROP",
)


class Receiver(ThreadingHTTPServer):
    """A web server on loopback that remembers how often it was told of which event."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told: Counter[str] = Counter()
        self.lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Whoever tells it is killed in the middle of that.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/events"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        events = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.told.update(event["id"] for event in events)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that is told until the end of the block."""
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()


class Unknown(Exception):
    """The server was gone before it answered: what was asked for may have been done."""


@dataclass
class World:
    """What all writers share: the server, whether it is up, and whether there is to be an end."""

    server: Server
    token: str
    up: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)


class Writer:
    """Makes changes whose names are never used again, and remembers which were acknowledged."""

    def __init__(self, world: World, number: int, seed: int):
        self.world = world
        self.number = number
        self.chance = random.Random(seed)
        self.count = 0
        # Types and resources of what was acknowledged; of a commit, where the metadata went.
        self.done: list[tuple[str, str, str | None]] = []

    def run(self) -> None:
        rest = Rest(self.world.server.uri, self.world.token)
        while not self.world.over.is_set():
            try:
                if self.number == 0:
                    self.grant(rest)
                else:
                    self.write(rest)
            except Unknown:
                # What was begun is left as it is, whatever that is.
                rest = Rest(self.world.server.uri, self.world.token)

    def send(self, rest: Rest, status: int, method: str, path: str, **kwargs: Any) -> requests.Response:
        self.world.up.wait()
        try:
            answer = rest.send(method, path, **kwargs)
        except requests.RequestException as error:
            raise Unknown from error
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.number}_{self.count}"

    def write(self, rest: Rest) -> None:
        """The life of a namespace and a table, as far as it comes."""
        namespace, table = self.name("n"), self.name("t")
        namespaces = f"/api/catalog/v1/{CATALOG}/namespaces"
        self.send(rest, 200, "POST", namespaces, json={"namespace": [namespace]})
        self.done.append(("AFTER_CREATE_NAMESPACE", namespace, None))
        for number in range(self.chance.randrange(3)):
            body = {"updates": {f"p{number}": "v"}}
            self.send(rest, 200, "POST", f"{namespaces}/{namespace}/properties", json=body)
            self.done.append(("AFTER_UPDATE_NAMESPACE_PROPERTIES", namespace, None))
        schema = {"type": "struct", "fields": [{"id": 1, "name": "id", "type": "long", "required": False}]}
        body = {"name": table, "schema": schema}
        self.send(rest, 200, "POST", f"{namespaces}/{namespace}/tables", json=body)
        self.done.append(("AFTER_CREATE_TABLE", f"{namespace}.{table}", None))
        path = table_path(CATALOG, namespace, table)
        for number in range(self.chance.randrange(6)):
            update = {"action": "set-properties", "updates": {f"c{number}": "v"}}
            answer = self.send(rest, 200, "POST", path, json={"requirements": [], "updates": [update]})
            location = answer.json()["metadata-location"]
            self.done.append(("AFTER_UPDATE_TABLE", f"{namespace}.{table}", location))
        if self.chance.random() < 0.5:
            self.send(rest, 204, "DELETE", path)
            self.done.append(("AFTER_DROP_TABLE", f"{namespace}.{table}", None))
            self.send(rest, 204, "DELETE", f"{namespaces}/{namespace}")
            self.done.append(("AFTER_DROP_NAMESPACE", namespace, None))

    def grant(self, rest: Rest) -> None:
        """The life of a role: each privilege is granted once at most, and perhaps revoked."""
        role = self.name("r")
        roles = f"{MANAGEMENT}/catalogs/{CATALOG}/catalog-roles"
        self.send(rest, 201, "POST", roles, json={"catalogRole": {"name": role}})
        self.done.append(("AFTER_CREATE_CATALOG_ROLE", role, None))
        for privilege in self.chance.sample(PRIVILEGES, self.chance.randrange(len(PRIVILEGES))):
            grant = {"type": "catalog", "privilege": privilege}
            self.send(rest, 201, "PUT", f"{roles}/{role}/grants", json={"grant": grant})
            self.done.append(("AFTER_ADD_GRANT_TO_CATALOG_ROLE", role, privilege))
            if self.chance.random() < 0.3:
                self.send(rest, 201, "POST", f"{roles}/{role}/grants", json={"grant": grant})
                self.done.append(("AFTER_REVOKE_GRANT_FROM_CATALOG_ROLE", role, privilege))


class Told:
    """The events of the catalog, as the API tells them."""

    def __init__(self, rest: Rest):
        self.all: list[dict[str, Any]] = []
        token = ""
        while token is not None:
            query = {"catalog": CATALOG, "type": ",".join(TYPES), "pageSize": 1000, "pageToken": token}
            page = rest.get(f"{MANAGEMENT}/events", params=query)
            self.all += page["events"]
            token = page.get("nextPageToken")
        self.ids = [event["id"] for event in self.all]
        assert len(set(self.ids)) == len(self.ids)
        assert self.ids == sorted(self.ids, reverse=True), "the newest come first"
        self.all.reverse()

    def of(self, kind: str, resource: str | None = None) -> list[dict[str, Any]]:
        return [event for event in self.all if event["type"] == kind and resource in (None, event["resource"])]

    def names(self, kind: str) -> Counter[str]:
        return Counter(event["resource"] for event in self.of(kind))


def test_events_are_exactly_the_changes_whenever_the_server_is_killed(
    make_server: Callable[..., Server], new_store: Callable, tmp_path: Path
):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    with receiving() as receiver:
        properties = {
            "polaris.event-listener.types": "database,webhook",
            "polaris.event-listener.database.enabled-event-types": ",".join(TYPES),
            "polaris.event-listener.webhook.enabled-event-types": ",".join(TYPES),
            "merak.events.webhook.url": receiver.url,
            "merak.events.webhook.timeout": "PT1S",
            "merak.events.webhook.batch-size": "7",
            "merak.events.poll-interval": "500ms",
        }
        server = make_server(new_store(), "events", properties=properties).start()
        rest = Rest(server.uri)
        rest.create_file_catalog(CATALOG, f"file://{tmp_path}/warehouse")

        world = World(server, rest.token)
        writers = [Writer(world, number, chance.randrange(1 << 32)) for number in range(5)]
        with ThreadPoolExecutor(len(writers)) as pool:
            running = [pool.submit(writer.run) for writer in writers]
            try:
                world.up.set()
                for _ in range(KILLS):
                    threading.Event().wait(chance.uniform(0.02, 0.9))
                    assert not any(writer.done() for writer in running), "a writer has stopped"
                    world.up.clear()
                    server.kill()
                    server.start()
                    world.up.set()
                threading.Event().wait(0.2)
            finally:
                world.over.set()
                world.up.set()
            for writer in running:
                writer.result()

        rest = Rest(server.uri)
        told = Told(rest)
        print(f"{len(told.all)} events, {sum(len(writer.done) for writer in writers)} acknowledged changes")
        assert len(told.all) > KILLS
        _check_acknowledged(told, [done for writer in writers for done in writer.done])
        _check_namespaces(told, rest)
        _check_tables(told, rest)
        _check_grants(told, rest)
        _check_delivered(told, receiver)
        server.stop()


def _check_acknowledged(told: Told, done: list[tuple[str, str, str | None]]) -> None:
    """What a client knows to be done is told, as often as it was done."""

    def detail(event: dict[str, Any]) -> str | None:
        attributes = event["attributes"]
        if event["type"] == "AFTER_UPDATE_TABLE":
            return attributes["metadata_location"]
        return attributes.get("privilege")

    events = Counter((event["type"], event["resource"], detail(event)) for event in told.all)
    missing = Counter(done) - events
    assert not missing, f"{len(missing)} of {len(done)} acknowledged changes have no event: {list(missing)[:5]}"


def _check_namespaces(told: Told, rest: Rest) -> None:
    made, dropped = told.names("AFTER_CREATE_NAMESPACE"), told.names("AFTER_DROP_NAMESPACE")
    assert set(made.values()) == {1} and set(dropped.values()) <= {1}
    namespaces = f"/api/catalog/v1/{CATALOG}/namespaces"
    there = {".".join(levels) for levels in rest.get(namespaces)["namespaces"]}
    assert there == set(made) - set(dropped) and set(dropped) <= set(made)
    updated = told.names("AFTER_UPDATE_NAMESPACE_PROPERTIES")
    assert set(updated) <= set(made)
    for name in there:
        properties = rest.get(f"{namespaces}/{name}")["properties"]
        found = {key for key in properties if key.startswith("p") and key[1:].isdigit()}
        events = told.of("AFTER_UPDATE_NAMESPACE_PROPERTIES", name)
        assert [len(event["attributes"]["updated"]) for event in events] == [1] * len(events)
        assert {event["attributes"]["updated"][0] for event in events} == found
        assert len(events) == len(found), name


def _check_tables(told: Told, rest: Rest) -> None:
    made, dropped = told.names("AFTER_CREATE_TABLE"), told.names("AFTER_DROP_TABLE")
    assert set(made.values()) == {1} and set(dropped.values()) <= {1}
    namespaces = f"/api/catalog/v1/{CATALOG}/namespaces"
    there = set()
    for levels in rest.get(namespaces)["namespaces"]:
        for table in rest.get(f"{namespaces}/{levels[0]}/tables")["identifiers"]:
            there.add(f"{levels[0]}.{table['name']}")
    assert there == set(made) - set(dropped) and set(dropped) <= set(made)
    assert set(told.names("AFTER_UPDATE_TABLE")) <= set(made)
    for name in made:
        (creation,) = told.of("AFTER_CREATE_TABLE", name)
        versions = [creation["attributes"]["metadata_location"]]
        for event in told.of("AFTER_UPDATE_TABLE", name):
            # One after the other, without a gap.
            assert event["attributes"]["previous_metadata_location"] == versions[-1], name
            versions.append(event["attributes"]["metadata_location"])
        assert len(set(versions)) == len(versions), name
        if name in there:
            table = rest.load_table(CATALOG, *name.split("."))
            log = [entry["metadata-file"] for entry in table["metadata"]["metadata-log"]]
            assert versions == [*log, table["metadata-location"]], name
        else:
            (drop,) = told.of("AFTER_DROP_TABLE", name)
            assert drop["attributes"]["metadata_location"] == versions[-1], name


def _check_grants(told: Told, rest: Rest) -> None:
    roles = f"{MANAGEMENT}/catalogs/{CATALOG}/catalog-roles"
    there = {role["name"] for role in rest.get(roles)["roles"]} - {"catalog_admin"}
    made = told.names("AFTER_CREATE_CATALOG_ROLE")
    assert set(made.values()) == {1} and set(made) == there
    for role in there:
        held: set[str] = set()
        for event in told.all:
            if event["resource"] != role:
                continue
            privilege = event["attributes"].get("privilege")
            if event["type"] == "AFTER_ADD_GRANT_TO_CATALOG_ROLE":
                assert privilege not in held, role
                held.add(privilege)
            elif event["type"] == "AFTER_REVOKE_GRANT_FROM_CATALOG_ROLE":
                held.remove(privilege)
        grants = rest.get(f"{roles}/{role}/grants")["grants"]
        assert {grant["privilege"] for grant in grants} == held, role


def _check_delivered(told: Told, receiver: Receiver) -> None:
    """What a killed server was sending is due again when its lease ends."""
    pause = threading.Event()
    for _ in range(DELIVERED_WITHIN_S * 10):
        missing = set(told.ids) - set(receiver.told)
        if not missing:
            break
        pause.wait(0.1)
    assert not missing, f"{len(missing)} of {len(told.ids)} events were not delivered: {sorted(missing)[:5]}"
    assert set(receiver.told) == set(told.ids)
    print(f"{sum(receiver.told.values()) - len(told.ids)} events were delivered more than once")


def test_the_commands_print_what_the_api_tells(
    make_server: Callable[..., Server], new_store: Callable, binary: Path, tmp_path: Path
):
    properties = {
        "polaris.event-listener.types": "persistence-in-memory-buffer,log",
        "merak.audit.database": "true",
        "polaris.event-listener.persistence-in-memory-buffer.buffer-time": "100ms",
    }
    server = make_server(new_store(), "told", properties=properties).start()
    rest = Rest(server.uri)
    rest.create_file_catalog("told", f"file://{tmp_path}/warehouse")
    rest.create_namespace("told", "sales")

    def printed(*words: str) -> list[dict[str, Any]]:
        environment = {"CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET}
        command = [str(binary), *words, "--server", server.uri]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    made = printed("events", "--type", "AFTER_CREATE_NAMESPACE", "--catalog", "told", "--resource", "sal*")
    assert [event["resource"] for event in made] == ["sales"]
    assert printed("events", "--of-catalog", "told", "--type", "AFTER_CREATE_NAMESPACE") == made
    assert len(printed("events", "--limit", "2")) == 2
    deadline = time.monotonic() + 30
    while not (records := printed("audit", "--operation", "CREATE_NAMESPACE")):
        assert time.monotonic() < deadline, "the audit record is not written"
    assert [(record["status"], record["principal"]) for record in records] == [(200, "root")]
    server.stop()
    log = server.log.read_text()
    assert "AFTER_CREATE_NAMESPACE" in log and CLIENT_SECRET not in log
