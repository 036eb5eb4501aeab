"""Azurite, with what it lacks to be Azure for the server: somebody who issues tokens, and a port without TLS.

It takes tokens over TLS alone, and looks at what they say, not at how they are signed.
"""

import base64
import hmac
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import requests
from azure.storage.blob import BlobServiceClient

from doubles import Azure
from forwarder import forwarded

READY_WITHIN_S = 90
ACCOUNT = "devstoreaccount1"
# Azurite's own; everybody knows it.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT_ID = "66666666-7777-8888-9999-000000000000"
CLIENT_SECRET = "azurite-secret"
LIFETIME_S = 3600


@contextmanager
def running(endpoint: str, certificate: Path) -> Iterator[Azure]:
    """Waits for the Azurite that the test run started, and makes a container in it."""
    deadline = time.monotonic() + READY_WITHIN_S
    while not _answers(endpoint, certificate):
        assert time.monotonic() < deadline, f"Azurite was not there after {READY_WITHIN_S} s"
        time.sleep(0.2)
    container = f"lake-{uuid.uuid4().hex[:12]}"
    with forwarded(endpoint, certificate) as plain, _issuer() as authority:
        azure = Azure(
            endpoint=plain.endpoint,
            dfs_endpoint=None,
            authority=authority,
            tenant=TENANT,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            accounts={"flat": ACCOUNT},
            container=container,
        )
        account = BlobServiceClient(f"{plain.endpoint}/{ACCOUNT}", credential=ACCOUNT_KEY)
        account.create_container(container)
        account.create_container(f"{container}-other")
        yield azure


@contextmanager
def _issuer() -> Iterator[str]:
    """Issues tokens to the one application, and yields where."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Issuer)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class _Issuer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if self.path != f"/{TENANT}/oauth2/v2.0/token":
            self._answer(404, {"error": "invalid_request", "error_description": f"There is no {self.path}"})
        elif (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            self._answer(401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret"})
        elif form.get("scope") != "https://storage.azure.com/.default":
            self._answer(400, {"error": "invalid_scope", "error_description": f"Not {form.get('scope')}"})
        else:
            token = {"token_type": "Bearer", "expires_in": LIFETIME_S, "access_token": _token()}
            self._answer(200, token)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, status: int, body: dict[str, object]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def _token() -> str:
    now = int(time.time())
    claims = {
        "aud": "https://storage.azure.com",
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME_S,
        "oid": "22222222-3333-4444-5555-666666666666",
        "tid": TENANT,
        "appid": CLIENT_ID,
    }
    signed = ".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{signed}.{_encoded(hmac.digest(b'any', signed.encode(), 'sha256'))}"


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _answers(endpoint: str, certificate: Path) -> bool:
    try:
        return bool(requests.get(endpoint, verify=str(certificate), timeout=5).status_code)
    except requests.RequestException:
        return False
