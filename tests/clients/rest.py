"""The server's HTTP, spoken without any client library in between."""

from typing import Any

import requests

from server import CLIENT_ID, CLIENT_SECRET


class Rest:
    """An HTTP session that holds a token. Paths are relative to the server's root."""

    def __init__(self, uri: str, token: str | None = None):
        self.uri = uri
        self._session = requests.Session()
        self.token = token or self._fetch_token()
        self._session.headers["Authorization"] = f"Bearer {self.token}"

    def send(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Sends a request and returns whatever the answer is."""
        return self._session.request(method, f"{self.uri}{path}", timeout=60, **kwargs)

    def get(self, path: str, **kwargs: Any) -> Any:
        return self._expect(self.send("GET", path, **kwargs))

    def post(self, path: str, body: Any) -> Any:
        return self._expect(self.send("POST", path, json=body))

    def create_file_catalog(self, name: str, base: str, kind: str = "INTERNAL") -> None:
        self.create_catalog(name, base, {"storageType": "FILE"}, kind=kind)

    def create_s3_catalog(self, name: str, base: str, endpoint: str, kind: str = "INTERNAL") -> None:
        storage = {
            "storageType": "S3",
            "region": "us-east-1",
            "endpoint": endpoint,
            "pathStyleAccess": True,
            "stsUnavailable": True,
        }
        self.create_catalog(name, base, storage, kind=kind)

    def create_catalog(
        self,
        name: str,
        base: str,
        storage: dict[str, Any],
        properties: dict[str, str] | None = None,
        kind: str = "INTERNAL",
    ) -> None:
        """Makes a catalog whose only allowed location is its base location, unless the storage names others."""
        storage = {"allowedLocations": [base], **storage}
        properties = {"default-base-location": base, **(properties or {})}
        catalog = {"name": name, "type": kind, "properties": properties, "storageConfigInfo": storage}
        self._made("POST", "/api/management/v1/catalogs", {"catalog": catalog})

    def open_content(self, catalog: str) -> None:
        """Lets those who manage a catalog work with its data, too, as somebody must say first."""
        grant = {"type": "catalog", "privilege": "CATALOG_MANAGE_CONTENT"}
        self._made("PUT", f"/api/management/v1/catalogs/{catalog}/catalog-roles/catalog_admin/grants", grant)

    def create_principal(self, name: str, catalog: str, *grants: dict[str, Any]) -> "Rest":
        """Makes a principal that holds these grants on a catalog and no others, and returns its session."""
        token = request_token(self.uri, *self.create_credentials(name, catalog, *grants))
        return Rest(self.uri, self._expect(token)["access_token"])

    def create_credentials(self, name: str, catalog: str, *grants: dict[str, Any]) -> tuple[str, str]:
        """Makes a principal that holds these grants on a catalog and no others, and returns its id and secret."""
        management, role = "/api/management/v1", f"{name}-role"
        made = self._made("POST", f"{management}/principals", {"principal": {"name": name}}).json()
        self._made("POST", f"{management}/principal-roles", {"principalRole": {"name": role}})
        self._made("POST", f"{management}/catalogs/{catalog}/catalog-roles", {"catalogRole": {"name": role}})
        for grant in grants:
            self._made("PUT", f"{management}/catalogs/{catalog}/catalog-roles/{role}/grants", {"grant": grant})
        assignment = f"{management}/principal-roles/{role}/catalog-roles/{catalog}"
        self._made("PUT", assignment, {"catalogRole": {"name": role}})
        self._made("PUT", f"{management}/principals/{name}/principal-roles", {"principalRole": {"name": role}})
        secret = made["credentials"]
        return secret["clientId"], secret["clientSecret"]

    def create_namespace(self, catalog: str, namespace: str) -> None:
        self.post(f"/api/catalog/v1/{catalog}/namespaces", {"namespace": [namespace]})

    def create_table(self, catalog: str, namespace: str, name: str) -> dict[str, Any]:
        schema = {"type": "struct", "fields": [{"id": 1, "name": "id", "type": "long", "required": False}]}
        return self.post(f"/api/catalog/v1/{catalog}/namespaces/{namespace}/tables", {"name": name, "schema": schema})

    def create_view(self, catalog: str, namespace: str, name: str) -> dict[str, Any]:
        schema = {"type": "struct", "fields": [{"id": 1, "name": "id", "type": "long", "required": False}]}
        version = {
            "version-id": 1,
            "timestamp-ms": 1,
            "schema-id": 0,
            "summary": {},
            "representations": [{"type": "sql", "sql": "SELECT 1 AS id", "dialect": "spark"}],
            "default-namespace": [],
        }
        body = {"name": name, "schema": schema, "view-version": version, "properties": {}}
        return self.post(f"/api/catalog/v1/{catalog}/namespaces/{namespace}/views", body)

    def load_table(self, catalog: str, namespace: str, name: str) -> dict[str, Any]:
        return self.get(table_path(catalog, namespace, name))

    def commit(
        self, catalog: str, namespace: str, name: str, requirements: list[Any], updates: list[Any]
    ) -> requests.Response:
        """Commits to a table and returns whatever the answer is."""
        body = {"requirements": requirements, "updates": updates}
        return self.send("POST", table_path(catalog, namespace, name), json=body)

    def _made(self, method: str, path: str, body: Any) -> requests.Response:
        answer = self.send(method, path, json=body)
        assert answer.status_code == 201, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def _fetch_token(self) -> str:
        return self._expect(request_token(self.uri, CLIENT_ID, CLIENT_SECRET))["access_token"]

    @staticmethod
    def _expect(answer: requests.Response) -> Any:
        assert answer.status_code == 200, f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}"
        return answer.json()


def request_token(uri: str, client_id: str, client_secret: str) -> requests.Response:
    """Asks for a token that activates all roles, and returns whatever the answer is."""
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": client_secret,
        "scope": "PRINCIPAL_ROLE:ALL",
    }
    return requests.post(f"{uri}/api/catalog/v1/oauth/tokens", data=form, timeout=60)


def table_path(catalog: str, namespace: str, name: str) -> str:
    return f"/api/catalog/v1/{catalog}/namespaces/{namespace}/tables/{name}"
