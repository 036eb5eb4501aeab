"""`merak doctor` as a process, what it prints, and set-ups that it is asked about."""

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any, Protocol

from server import CLIENT_ID, CLIENT_SECRET, Server

WELL, SICK, UNANSWERED = 0, 1, 2
MARKS = {"✓": "passed", "✗": "failed", "!": "warning", "-": "not-applicable"}
VERDICTS = {WELL: "All is well.", SICK: "Something is to be mended."}
# What nobody may be told, whoever they are of: private keys, tokens of Google, JSON web tokens, signatures, sessions.
SECRETS = ("PRIVATE KEY", "ya29.", "eyJhbGciOi", "eyJ0eXAiOi", "sig=", "SessionToken", CLIENT_SECRET)


@dataclass(frozen=True)
class Step:
    """A step, and all that is said of it: what was found, the cause, and what mends it."""

    name: str
    outcome: str
    text: str


@dataclass(frozen=True)
class Diagnosis:
    status: int
    printed: str
    steps: list[Step]

    def outcomes(self) -> dict[str, str]:
        return {step.name: step.outcome for step in self.steps}

    def step(self, name: str) -> Step:
        (step,) = (step for step in self.steps if step.name == name)
        return step

    def failure(self) -> Step:
        """Returns the step that failed first."""
        return next(step for step in self.steps if step.outcome == "failed")


@dataclass(frozen=True)
class Doctor:
    """Asks a server, and sees that no answer has one of these secrets in it."""

    binary: Path
    server: Server
    secrets: tuple[str, ...]

    def ask(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        environment = {"CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "NO_PROXY": "localhost", **environment}
        command = [str(self.binary), "doctor", "--server", self.server.uri, *arguments]
        ending = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=90)
        told = [secret for secret in (*SECRETS, *self.secrets) if secret in ending.stdout + ending.stderr]
        assert not told, ending.stdout + ending.stderr
        return ending

    def diagnose(self, catalog: str) -> Diagnosis:
        """Returns what people are shown of a diagnosis."""
        ending = self.ask("--catalog", catalog)
        assert ending.stderr == ""
        *lines, verdict = ending.stdout.splitlines()
        assert verdict == VERDICTS[ending.returncode], ending.stdout
        begin = re.compile(f"([{''.join(MARKS)}]) ([a-z-]+): ")
        steps: list[Step] = []
        for line in lines:
            if found := begin.match(line):
                steps.append(Step(found[2], MARKS[found[1]], line[found.end() :]))
            else:
                steps[-1] = Step(steps[-1].name, steps[-1].outcome, f"{steps[-1].text}\n{line}")
        return Diagnosis(ending.returncode, ending.stdout, steps)

    def diagnose_as_json(self, catalog: str) -> tuple[int, dict[str, Any]]:
        ending = self.ask("--catalog", catalog, "--json")
        return ending.returncode, json.loads(ending.stdout)

    def explain_policy(self, catalog: str, table: str, principal: str) -> dict[str, Any]:
        ending = self.ask("--catalog", catalog, "--explain-policy", table, "--principal", principal)
        assert (ending.returncode, ending.stderr) == (WELL, ""), ending.stderr
        return json.loads(ending.stdout)


class SetUp(Protocol):
    """A cloud, and a server that has an identity there."""

    doctor: Doctor

    def catalog(self, **wrong: Any) -> tuple[str, dict[str, str]]:
        """Makes a catalog where all is well but what is named, and returns its name and all names that matter."""

    def left_in(self, catalog: str) -> list[str]:
        """Lists what is below a catalog's base location."""


@dataclass(frozen=True)
class Sick:
    """A set-up with one thing wrong, and what is told of the step that fails first. Names have a dollar sign."""

    step: str
    said: str
    remedy: str
    wrong: dict[str, Any] = field(default_factory=dict)
    # What would be wrong to say.
    never: str | None = None

    def assert_told(self, set_up: SetUp) -> None:
        catalog, names = set_up.catalog(**self.wrong)

        diagnosis = set_up.doctor.diagnose(catalog)

        assert diagnosis.status == SICK
        failure = diagnosis.failure()
        assert failure.name == self.step, diagnosis.printed
        for part in (self.said, self.remedy):
            assert Template(part).substitute(names) in failure.text, diagnosis.printed
        if self.never:
            assert Template(self.never).substitute(names) not in failure.text, diagnosis.printed
        # What depends on it is not tried. The server's own way to metadata always is.
        failed = {name for name, outcome in diagnosis.outcomes().items() if outcome == "failed"}
        assert failed <= {self.step, "server-access", *AFTER.get(self.step, ())}, diagnosis.printed
        left = set_up.left_in(catalog)
        assert not left, left


# Steps that are tried even though an earlier one failed, since one does not need the other.
AFTER = {"list": ("write", "read", "delete"), "endpoint": ("identity", "assume-role")}
