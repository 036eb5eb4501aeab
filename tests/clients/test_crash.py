"""A server that is killed in the middle of its work has kept every commit that it acknowledged."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import requests

from rest import Rest
from server import Server

TABLES = 4
COMMITS_PER_TABLE = 50
KILLS = 6


@dataclass
class Writer:
    """Sets property `c<N>` on one table, commit by commit, and remembers which were acknowledged."""

    table: str
    acknowledged: list[int] = field(default_factory=list)
    sent: int = 0

    def run(self, rest: Rest, one_more: threading.Semaphore) -> None:
        """Commits until all are sent or the server is gone."""
        while self.sent < COMMITS_PER_TABLE:
            commit, self.sent = self.sent, self.sent + 1
            update = {"action": "set-properties", "updates": {f"c{commit}": "acknowledged"}}
            try:
                answer = rest.commit("crash", "db", self.table, [], [update])
            except requests.RequestException:
                return
            assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
            self.acknowledged.append(commit)
            one_more.release()

    def check(self, rest: Rest) -> None:
        table = rest.load_table("crash", "db", self.table)
        found = {name for name in table["metadata"]["properties"] if name.startswith("c") and name[1:].isdigit()}
        missing = {f"c{commit}" for commit in self.acknowledged} - found
        assert not missing, f"{self.table} lost {sorted(missing)} of {len(self.acknowledged)} acknowledged commits"
        assert found <= {f"c{commit}" for commit in range(self.sent)}
        assert Path(unquote(urlsplit(table["metadata-location"]).path)).is_file()


def test_every_acknowledged_commit_outlives_kills_in_mid_stream(
    make_server: Callable[..., Server], new_store: Callable, tmp_path: Path
):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    server = make_server(new_store(), "crash").start()
    rest = Rest(server.uri)
    rest.create_file_catalog("crash", f"file://{tmp_path}/warehouse")
    rest.create_namespace("crash", "db")
    writers = [Writer(f"t{number}") for number in range(TABLES)]
    for writer in writers:
        rest.create_table("crash", "db", writer.table)

    kills = 0
    while any(writer.sent < COMMITS_PER_TABLE for writer in writers):
        rest = Rest(server.uri)
        _write_until_killed(server, writers, chance, rest.token, kill=kills < KILLS)
        if kills < KILLS:
            kills += 1
            server.start()
            rest = Rest(server.uri)
        for writer in writers:
            writer.check(rest)

    assert kills == KILLS
    assert all(len(writer.acknowledged) >= COMMITS_PER_TABLE - KILLS for writer in writers)
    server.stop()


def _write_until_killed(server: Server, writers: list[Writer], chance: random.Random, token: str, kill: bool) -> None:
    one_more = threading.Semaphore(0)
    with ThreadPoolExecutor(len(writers)) as pool:
        running = [pool.submit(writer.run, Rest(server.uri, token), one_more) for writer in writers]
        if kill:
            # Somewhere in this share of the stream, and then at any moment inside a commit.
            for _ in range(chance.randrange(1, TABLES * COMMITS_PER_TABLE // (KILLS + 2))):
                assert one_more.acquire(timeout=60), "the server acknowledges no more commits"
            threading.Event().wait(chance.uniform(0, 0.01))
            server.kill()
    for writer in running:
        writer.result()


@pytest.mark.replicas
def test_a_commit_acknowledged_by_a_killed_replica_is_served_by_the_other(
    make_server: Callable[..., Server], new_store: Callable, tmp_path: Path
):
    store = new_store()
    doomed, survivor = make_server(store, "doomed").start(), make_server(store, "survivor").start()
    rest = Rest(doomed.uri)
    rest.create_file_catalog("crash", f"file://{tmp_path}/warehouse")
    rest.create_namespace("crash", "db")
    rest.create_table("crash", "db", "t")
    writer = Writer("t")

    _write_until_killed(doomed, [writer], random.Random(), rest.token, kill=True)

    writer.check(Rest(survivor.uri))
    survivor.stop()
