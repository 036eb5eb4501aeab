"""Catalogs whose clients have no keys of their own, and the credentials that the server gives them."""

import uuid
from typing import Any

from lake import Lake
from rest import Rest, table_path
from s3_places import S3Place, client

VENDED = "vended-credentials"
NAMESPACE = "db"
S3_KEYS = ("s3.access-key-id", "s3.secret-access-key", "s3.session-token", "s3.session-token-expires-at-ms")


def s3_lake(rest: Rest, place: S3Place, extensions: Any, **changes: Any) -> Lake:
    """Makes an S3 catalog that vends; `changes` are to its storage configuration."""
    name = catalog_name()
    base = f"s3://{place.bucket}/{name}"
    rest.create_catalog(name, base, place.storage(**changes))
    rest.open_content(name)
    return Lake(rest.uri, name, base, extensions, delegation=VENDED)


def catalog_name() -> str:
    return f"lake_{uuid.uuid4().hex[:12]}"


def reader_of(rest: Rest, lake: Lake, table: str) -> Rest:
    """Returns the session of a new principal that may read this one table's data, and nothing else."""
    grant = {"type": "table", "namespace": [NAMESPACE], "tableName": table, "privilege": "TABLE_READ_DATA"}
    return rest.create_principal(f"reader-{lake.name}-{table}", lake.name, grant)


def load(rest: Rest, lake: Lake, table: str, delegation: str | None = VENDED) -> dict[str, Any]:
    """Loads a table, asking for delegated access to it."""
    headers = {"X-Iceberg-Access-Delegation": delegation} if delegation else {}
    return rest.get(table_path(lake.name, NAMESPACE, table), headers=headers)


def vended(answer: dict[str, Any]) -> dict[str, str]:
    """Returns the credentials in an answer: one set, for the table's location, that is in `config` as well."""
    (entry,) = answer["storage-credentials"]
    location = answer["metadata"]["location"]
    assert location.startswith(entry["prefix"].rstrip("/")), f"credentials for {entry['prefix']}, table at {location}"
    for key, value in entry["config"].items():
        assert answer["config"].get(key) == value, f"{key} is not in config, where older clients look"
    return entry["config"]


def s3_client(place: S3Place, credentials: dict[str, str]) -> Any:
    """Returns a client of the store that has vended credentials and nothing else."""
    key, secret, token = (credentials[name] for name in S3_KEYS[:3])
    assert key not in (place.admin[0], place.server[0]), "these are not vended credentials, but the server's own"
    return client(place.endpoint, key, secret, token)


def folder(answer: dict[str, Any]) -> str:
    """Returns where a table lies below its bucket or container, without a slash at either end."""
    return answer["metadata"]["location"].split("/", 3)[3].rstrip("/")
