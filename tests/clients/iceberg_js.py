"""iceberg-js, the JavaScript client of the REST protocol: a process of Node for each run of calls."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lake import Lake

CALL = Path(__file__).parent / "iceberg_js" / "call.mjs"
ENDS_WITHIN_S = 60


class IcebergJs:
    """A catalog of one lake in JavaScript, with a token it was given: the client gets none itself."""

    def __init__(self, lake: Lake, token: str, *delegation: str):
        self._module = os.environ.get("MERAK_TEST_ICEBERG_JS")
        if not self._module:
            pytest.skip("iceberg-js is not there, since Node is not")
        self._options = {
            "baseUrl": f"{lake.uri}/api/catalog",
            "catalogName": lake.name,
            "auth": {"type": "bearer", "token": token},
            **({"accessDelegation": list(delegation)} if delegation else {}),
        }

    def run(self, *calls: tuple) -> list[dict[str, Any]]:
        """Makes calls one after the other, each a method's name and its arguments, and returns what each came to."""
        asked = json.dumps({"options": self._options, "calls": calls})
        command = ["node", CALL, self._module]
        done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=ENDS_WITHIN_S)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def values(self, *calls: tuple) -> list[Any]:
        """Makes calls that must all succeed, and returns their values."""
        outcomes = self.run(*calls)
        assert all("value" in outcome for outcome in outcomes), outcomes
        return [outcome["value"] for outcome in outcomes]

    def value(self, method: str, *arguments: Any) -> Any:
        (value,) = self.values((method, *arguments))
        return value

    def error(self, method: str, *arguments: Any) -> dict[str, Any]:
        """Makes a call that must be refused, and returns what the client tells of that."""
        (outcome,) = self.run((method, *arguments))
        assert "error" in outcome, outcome
        return outcome["error"]
