"""Iceberg's REST Compatibility Kit: suites of JUnit that run against a server of ours."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from server import die_with_parent

ENDS_WITHIN_S = 280
TAIL_LINES = 40
# What the kit would leave out or expect otherwise unless it is told.
SWITCHES = {
    "rck.local": "false",
    "rck.overrides-requested-location": "false",
    "rck.requires-namespace-create": "true",
    "rck.supports-names-with-dot": "true",
    "rck.supports-serverside-retry": "true",
    "rck.supports-variant": "true",
}
MISSING_FILE = ".*#testLoadTableWithMissingMetadataFile"


@dataclass(frozen=True)
class Suite:
    """A class of tests, which of its methods run, and what server and client are told besides for them."""

    test_class: str
    methods: tuple[str, ...] = ()
    server: dict[str, str] = field(default_factory=dict)
    client: dict[str, str] = field(default_factory=dict)


SUITES = {
    "catalog": Suite("merak.MerakCatalogTests", (f"--exclude-methodname={MISSING_FILE}",)),
    # Server and client answer without the file, unless they keep no copy of any.
    "files": Suite(
        "merak.MerakCatalogTests",
        (f"--include-methodname={MISSING_FILE}",),
        {"merak.metadata.inline-max-bytes": "0", "merak.metadata.cache-max-bytes": "1"},
        {"rest-table-cache.expire-after-write-ms": "1"},
    ),
    "view": Suite("org.apache.iceberg.rest.RESTCompatibilityKitViewCatalogTests"),
}


@dataclass(frozen=True)
class Outcome:
    """How one case of a suite ended: `kind` is passed, failed or skipped."""

    kind: str
    text: str = ""


class Run:
    """A suite that runs in the background, until its outcomes are asked for."""

    def __init__(self, suite: Suite, client: dict[str, str], home: Path):
        """Starts a suite whose client has these properties. What it writes on disk is below `home`."""
        self._reports = home / "reports"
        self._log = home / "console.log"
        self._outcomes: dict[str, Outcome] | None = None
        temporary = home / "tmp"
        temporary.mkdir()
        java = shutil.which("java")
        assert java, "there is no java"
        command = [
            java,
            # A third faster: a suite is over before better code would pay.
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            f"-Djava.io.tmpdir={temporary}",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
            *(f"-D{key}={value}" for key, value in SWITCHES.items()),
            "-cp",
            Path(os.environ["MERAK_TEST_RCK_CLASSPATH"]).read_text().strip(),
            "org.junit.platform.console.ConsoleLauncher",
            "execute",
            f"--select-class={suite.test_class}",
            *suite.methods,
            # The kit switches off what its own server would have to be started anew for.
            "--config=junit.jupiter.conditions.deactivate=org.junit.jupiter.engine.extension.DisabledCondition",
            f"--reports-dir={self._reports}",
            "--details=none",
            "--disable-ansi-colors",
            "--disable-banner",
        ]
        # Not on the command line, which everybody may read: a secret is among them.
        environment = {_variable(key): value for key, value in client.items()}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=home,
                env={"PATH": os.environ["PATH"], **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent,
            )

    def outcomes(self) -> dict[str, Outcome]:
        """Waits for the end, and returns how each case that was reported ended."""
        if self._outcomes is None:
            try:
                self._process.wait(ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.kill()
            self._outcomes = dict(_reported(self._reports))
        return self._outcomes

    def ending(self) -> str:
        """What the process said last, for a case that it did not report."""
        lines = self._log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        return "\n".join([f"the kit ended with {self._process.poll()}:", *lines])

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def _reported(reports: Path) -> Iterator[tuple[str, Outcome]]:
    for report in reports.glob("TEST-*.xml"):
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            ends = [part for part in case if part.tag in ("failure", "error", "skipped")]
            if not ends:
                yield case.attrib["name"], Outcome("passed")
                continue
            kind = "skipped" if ends[0].tag == "skipped" else "failed"
            yield case.attrib["name"], Outcome(kind, ends[0].text or ends[0].get("message", ""))


def _variable(key: str) -> str:
    """The variable in which the kit looks for a property of its client."""
    return "CATALOG_" + key.replace("-", "__").replace(".", "_").upper()
