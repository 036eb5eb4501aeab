"""The generated Python classes of Apache Polaris: all of a catalog's life goes through them.

Tokens, catalogs, principals, roles, grants, namespaces, tables, views, generic tables and policies.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from apache_polaris.sdk import catalog as lake
from apache_polaris.sdk import management
from apache_polaris.sdk.catalog.api.generic_table_api import GenericTableAPI
from apache_polaris.sdk.catalog.api.iceberg_catalog_api import IcebergCatalogAPI
from apache_polaris.sdk.catalog.api.iceberg_configuration_api import IcebergConfigurationAPI
from apache_polaris.sdk.catalog.api.iceberg_o_auth2_api import IcebergOAuth2API
from apache_polaris.sdk.catalog.api.policy_api import PolicyAPI
from apache_polaris.sdk.catalog.exceptions import ApiException as CatalogRefusal
from apache_polaris.sdk.catalog.models import (
    AttachPolicyRequest,
    CreateGenericTableRequest,
    CreatePolicyRequest,
    DetachPolicyRequest,
    Policy,
    PolicyAttachmentTarget,
    UpdatePolicyRequest,
)
from apache_polaris.sdk.management.exceptions import ApiException as ManagementRefusal

from polaris_cli import unique
from server import CLIENT_ID, CLIENT_SECRET, Server

ALL_ROLES = "PRINCIPAL_ROLE:ALL"
ENDS_WITHIN_S = 30
LEVELS = "\x1f"
COMPACTION = "system.data-compaction"


class Sdk:
    """The classes, with the token of one principal."""

    def __init__(self, uri: str, client_id: str, client_secret: str):
        self.token = token(uri, client_id, client_secret)
        place = lake.ApiClient(lake.Configuration(host=f"{uri}/api/catalog", access_token=self.token))
        self.config = IcebergConfigurationAPI(place)
        self.catalogs = IcebergCatalogAPI(place)
        self.generic_tables = GenericTableAPI(place)
        self.policies = PolicyAPI(place)
        office = management.Configuration(host=f"{uri}/api/management/v1", access_token=self.token)
        self.management = management.PolarisDefaultApi(management.ApiClient(office))


def token(uri: str, client_id: str, client_secret: str, scope: str = ALL_ROLES) -> str:
    api = IcebergOAuth2API(lake.ApiClient(lake.Configuration(host=f"{uri}/api/catalog")))
    answer = api.get_token(
        grant_type="client_credentials", scope=scope, client_id=client_id, client_secret=client_secret
    )
    assert answer.token_type == "bearer"
    return answer.access_token


def refusal(kind: type[Exception], call: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[int, str]:
    """Returns the status and the exception's name that a call is refused with."""
    with pytest.raises(kind) as caught:
        call(*arguments, **named)
    return caught.value.status, json.loads(caught.value.body)["error"]["type"]


@pytest.fixture
def root(server: Server) -> Sdk:
    return Sdk(server.uri, CLIENT_ID, CLIENT_SECRET)


@pytest.fixture
def made(root: Sdk, tmp_path: Path) -> management.Catalog:
    """A catalog on local files, in which drops may purge."""
    asked = management.PolarisCatalog(
        type="INTERNAL",
        name=unique("sdk"),
        properties=management.CatalogProperties.from_dict(
            {"default-base-location": f"file://{tmp_path}/lake", "polaris.config.drop-with-purge.enabled": "true"}
        ),
        storage_config_info=management.FileStorageConfigInfo(
            storage_type="FILE", allowed_locations=[f"file://{tmp_path}/lake"]
        ),
    )
    return root.management.create_catalog(management.CreateCatalogRequest(catalog=asked))


@pytest.fixture
def person(root: Sdk) -> management.PrincipalWithCredentials:
    asked = management.Principal(name=unique("person"), properties={"team": "sales"})
    return root.management.create_principal(management.CreatePrincipalRequest(principal=asked))


def log_in(server: Server, hired: management.PrincipalWithCredentials) -> Sdk:
    return Sdk(server.uri, hired.credentials.client_id, hired.credentials.client_secret.get_secret_value())


@pytest.fixture
def worker(server: Server, root: Sdk, made: management.Catalog, person: management.PrincipalWithCredentials) -> Sdk:
    """Somebody who may do everything with what is in the catalog."""
    _, catalog_role = employ(root, made.name, person.principal.name)
    grant = management.CatalogGrant(type="catalog", privilege="CATALOG_MANAGE_CONTENT")
    root.management.add_grant_to_catalog_role(made.name, catalog_role, management.AddGrantRequest(grant=grant))
    return log_in(server, person)


def employ(root: Sdk, catalog: str, principal: str) -> tuple[str, str]:
    """Gives a principal a role that has a role in a catalog. Returns the names of both."""
    principal_role = management.PrincipalRole(name=unique("is"))
    catalog_role = management.CatalogRole(name=unique("may"))
    api = root.management
    api.create_principal_role(management.CreatePrincipalRoleRequest(principal_role=principal_role))
    api.create_catalog_role(catalog, management.CreateCatalogRoleRequest(catalog_role=catalog_role))
    api.assign_principal_role(principal, management.GrantPrincipalRoleRequest(principal_role=principal_role))
    api.assign_catalog_role_to_principal_role(
        principal_role.name, catalog, management.GrantCatalogRoleRequest(catalog_role=catalog_role)
    )
    return principal_role.name, catalog_role.name


def schema() -> lake.ModelSchema:
    return lake.ModelSchema.from_dict(
        {
            "type": "struct",
            "fields": [
                {"id": 1, "name": "id", "type": "long", "required": True},
                {"id": 2, "name": "amount", "type": "decimal(9,2)", "required": False, "doc": "gross"},
            ],
            "identifier-field-ids": [1],
        }
    )


def make_namespace(worker: Sdk, catalog: str, *levels: str, **properties: str) -> str:
    """Makes a namespace, and returns how paths spell it."""
    asked = lake.CreateNamespaceRequest(namespace=list(levels), properties=properties)
    assert worker.catalogs.create_namespace(catalog, asked).namespace == list(levels)
    return LEVELS.join(levels)


def make_table(worker: Sdk, catalog: str, namespace: str, name: str, **fields: Any) -> lake.LoadTableResult:
    asked = lake.CreateTableRequest(name=name, var_schema=schema(), **fields)
    return worker.catalogs.create_table(catalog, namespace, asked)


def file_of(location: str) -> Path:
    return Path(unquote(urlsplit(location).path))


def test_a_token_is_for_who_knows_the_secret_and_names_roles(server: Server):
    assert token(server.uri, CLIENT_ID, CLIENT_SECRET, "PRINCIPAL_ROLE:service_admin")

    for secret, scope, status, told in [
        ("wrong", ALL_ROLES, 401, "unauthorized_client"),
        (CLIENT_SECRET, "catalog", 400, "invalid_scope"),
    ]:
        with pytest.raises(CatalogRefusal) as caught:
            token(server.uri, CLIENT_ID, secret, scope)
        assert (caught.value.status, json.loads(caught.value.body)["error"]) == (status, told)


def test_a_catalog_is_made_shown_changed_and_deleted(root: Sdk, made: management.Catalog):
    api = root.management
    shown = api.get_catalog(made.name)
    assert shown == made
    assert (shown.type, shown.entity_version) == ("INTERNAL", 1)
    assert shown.storage_config_info.storage_type == "FILE"
    assert made.name in [catalog.name for catalog in api.list_catalogs().catalogs]
    again = management.CreateCatalogRequest(catalog=made)
    assert refusal(ManagementRefusal, api.create_catalog, again) == (409, "AlreadyExistsException")

    asked = management.UpdateCatalogRequest(current_entity_version=1, properties={"owner": "sales"})
    changed = api.update_catalog(made.name, asked)
    assert changed.entity_version == 2
    assert changed.properties.additional_properties["owner"] == "sales"
    assert changed.properties.default_base_location == made.properties.default_base_location
    assert refusal(ManagementRefusal, api.update_catalog, made.name, asked)[0] == 409

    api.delete_catalog(made.name)
    assert refusal(ManagementRefusal, api.get_catalog, made.name) == (404, "NotFoundException")


def test_a_principal_is_made_changed_and_deleted(root: Sdk, person: management.PrincipalWithCredentials):
    api, name = root.management, person.principal.name
    shown = api.get_principal(name)
    assert (shown.client_id, shown.properties) == (person.credentials.client_id, {"team": "sales"})
    assert name in [principal.name for principal in api.list_principals().principals]

    asked = management.UpdatePrincipalRequest(current_entity_version=shown.entity_version, properties={"team": "eu"})
    assert api.update_principal(name, asked).properties == {"team": "eu"}

    api.delete_principal(name)
    assert refusal(ManagementRefusal, api.get_principal, name)[0] == 404


def test_credentials_are_rotated_and_reset(
    server: Server, root: Sdk, person: management.PrincipalWithCredentials
):
    name = person.principal.name
    rotated = log_in(server, person).management.rotate_credentials(name)
    assert rotated.credentials.client_id == person.credentials.client_id
    assert rotated.credentials.client_secret != person.credentials.client_secret
    log_in(server, rotated)

    made_up = root.management.reset_credentials(name, management.ResetPrincipalRequest())
    log_in(server, made_up)
    with pytest.raises(CatalogRefusal):
        log_in(server, rotated)

    chosen = {"clientId": "0123456789abcdef", "clientSecret": "0123456789abcdef0123456789abcdef"}
    reset = root.management.reset_credentials(name, management.ResetPrincipalRequest.from_dict(chosen))
    assert reset.credentials.client_id == chosen["clientId"]
    assert reset.credentials.client_secret.get_secret_value() == chosen["clientSecret"]
    assert root.management.get_principal(name).client_id == chosen["clientId"]
    log_in(server, reset)


def test_roles_are_made_changed_given_and_taken_away(
    root: Sdk, made: management.Catalog, person: management.PrincipalWithCredentials
):
    api, name = root.management, person.principal.name
    principal_role, catalog_role = employ(root, made.name, name)

    assert [role.name for role in api.list_principal_roles_assigned(name).roles] == [principal_role]
    holders = api.list_assignee_principals_for_principal_role(principal_role).principals
    assert [principal.name for principal in holders] == [name]
    held = api.list_catalog_roles_for_principal_role(principal_role, made.name).roles
    assert [role.name for role in held] == [catalog_role]
    holders = api.list_assignee_principal_roles_for_catalog_role(made.name, catalog_role).roles
    assert [role.name for role in holders] == [principal_role]
    assert principal_role in [role.name for role in api.list_principal_roles().roles]
    assert {role.name for role in api.list_catalog_roles(made.name).roles} == {"catalog_admin", catalog_role}

    version = api.get_principal_role(principal_role).entity_version
    asked = management.UpdatePrincipalRoleRequest(current_entity_version=version, properties={"floor": "2"})
    assert api.update_principal_role(principal_role, asked).properties == {"floor": "2"}
    version = api.get_catalog_role(made.name, catalog_role).entity_version
    asked = management.UpdateCatalogRoleRequest(current_entity_version=version, properties={"floor": "3"})
    assert api.update_catalog_role(made.name, catalog_role, asked).properties == {"floor": "3"}

    api.revoke_catalog_role_from_principal_role(principal_role, made.name, catalog_role)
    assert api.list_catalog_roles_for_principal_role(principal_role, made.name).roles == []
    api.revoke_principal_role(name, principal_role)
    assert api.list_principal_roles_assigned(name).roles == []
    api.delete_catalog_role(made.name, catalog_role)
    api.delete_principal_role(principal_role)
    assert refusal(ManagementRefusal, api.get_principal_role, principal_role)[0] == 404
    assert refusal(ManagementRefusal, api.get_catalog_role, made.name, catalog_role)[0] == 404


def test_privileges_are_granted_on_everything_and_revoked(root: Sdk, made: management.Catalog, worker: Sdk):
    sales = make_namespace(worker, made.name, "sales")
    make_table(worker, made.name, sales, "orders")
    make_view(worker, made.name, sales, "large")
    make_policy(worker, made.name, sales, "compact")
    api, role = root.management, unique("may")
    asked = management.CreateCatalogRoleRequest(catalog_role=management.CatalogRole(name=role))
    api.create_catalog_role(made.name, asked)
    grants = [
        management.CatalogGrant(type="catalog", privilege="NAMESPACE_LIST"),
        management.NamespaceGrant(type="namespace", namespace=["sales"], privilege="TABLE_LIST"),
        management.TableGrant(
            type="table", namespace=["sales"], table_name="orders", privilege="TABLE_READ_DATA"
        ),
        management.ViewGrant(
            type="view", namespace=["sales"], view_name="large", privilege="VIEW_READ_PROPERTIES"
        ),
        management.PolicyGrant(
            type="policy", namespace=["sales"], policy_name="compact", privilege="POLICY_READ"
        ),
    ]

    for grant in grants:
        api.add_grant_to_catalog_role(made.name, role, management.AddGrantRequest(grant=grant))
    held = api.list_grants_for_catalog_role(made.name, role).grants
    assert sorted(grant.type for grant in held) == sorted(grant.type for grant in grants)
    assert all(grant in held for grant in grants)

    for grant in grants:
        asked = management.RevokeGrantRequest(grant=grant)
        api.revoke_grant_from_catalog_role(made.name, role, False, asked)
    assert api.list_grants_for_catalog_role(made.name, role).grants == []


def test_who_holds_nothing_may_do_nothing(
    server: Server, made: management.Catalog, person: management.PrincipalWithCredentials
):
    stranger = log_in(server, person)

    told = refusal(CatalogRefusal, stranger.catalogs.list_namespaces, made.name)
    assert told == (403, "ForbiddenException")
    told = refusal(ManagementRefusal, stranger.management.get_catalog, made.name)
    assert told == (403, "ForbiddenException")


def test_a_client_is_told_how_to_go_on(worker: Sdk, made: management.Catalog):
    config = worker.config.get_config(made.name)

    assert {**config.defaults, **config.overrides}["prefix"] == made.name
    assert "GET /v1/{prefix}/namespaces" in config.endpoints


def test_namespaces_are_made_listed_changed_and_dropped(worker: Sdk, made: management.Catalog):
    api = worker.catalogs
    sales = make_namespace(worker, made.name, "sales", owner="ana")
    europe = make_namespace(worker, made.name, "sales", "eu")
    make_namespace(worker, made.name, "stock")

    assert api.list_namespaces(made.name).namespaces == [["sales"], ["stock"]]
    assert api.list_namespaces(made.name, parent=sales).namespaces == [["sales", "eu"]]
    page = api.list_namespaces(made.name, page_token="", page_size=1)
    assert page.namespaces == [["sales"]]
    page = api.list_namespaces(made.name, page_token=page.next_page_token, page_size=1)
    assert page.namespaces == [["stock"]]
    api.namespace_exists(made.name, europe)

    asked = lake.UpdateNamespacePropertiesRequest(removals=["owner", "none"], updates={"floor": "2"})
    changed = api.update_properties(made.name, sales, asked)
    assert (changed.updated, changed.removed, changed.missing) == (["floor"], ["owner"], ["none"])
    properties = api.load_namespace_metadata(made.name, sales).properties
    assert properties["floor"] == "2" and "owner" not in properties

    assert refusal(CatalogRefusal, api.drop_namespace, made.name, sales) == (409, "NamespaceNotEmptyException")
    api.drop_namespace(made.name, europe)
    api.drop_namespace(made.name, sales)
    assert api.list_namespaces(made.name).namespaces == [["stock"]]


def test_tables_are_made_loaded_renamed_registered_and_purged(worker: Sdk, made: management.Catalog):
    api = worker.catalogs
    sales = make_namespace(worker, made.name, "sales")
    archive = make_namespace(worker, made.name, "sales", "archive")
    orders = make_table(worker, made.name, sales, "orders", properties={"owner": "ana"})

    loaded = api.load_table(made.name, sales, "orders")
    assert loaded.metadata_location == orders.metadata_location
    assert loaded.metadata.table_uuid == orders.metadata.table_uuid
    assert loaded.metadata.properties["owner"] == "ana"
    assert [name.name for name in api.list_tables(made.name, sales).identifiers] == ["orders"]
    taken = lake.CreateTableRequest(name="orders", var_schema=schema())
    told = refusal(CatalogRefusal, api.create_table, made.name, sales, taken)
    assert told == (409, "AlreadyExistsException")

    moved = lake.RenameTableRequest(
        source=lake.TableIdentifier(namespace=["sales"], name="orders"),
        destination=lake.TableIdentifier(namespace=["sales", "archive"], name="old"),
    )
    api.rename_table(made.name, moved)
    told = refusal(CatalogRefusal, api.load_table, made.name, sales, "orders")
    assert told == (404, "NoSuchTableException")
    api.table_exists(made.name, archive, "old")

    api.drop_table(made.name, archive, "old")
    file = file_of(orders.metadata_location)
    assert file.exists()
    known = lake.RegisterTableRequest(name="orders", metadata_location=orders.metadata_location)
    again = api.register_table(made.name, sales, known)
    assert again.metadata.table_uuid == orders.metadata.table_uuid

    api.drop_table(made.name, sales, "orders", purge_requested=True)
    assert api.list_tables(made.name, sales).identifiers == []
    deadline = time.monotonic() + ENDS_WITHIN_S
    while file.exists():
        assert time.monotonic() < deadline, f"{file} is still there"
        time.sleep(0.05)


def make_view(worker: Sdk, catalog: str, namespace: str, name: str) -> lake.LoadViewResult:
    text = lake.SQLViewRepresentation(type="sql", sql="select id from orders", dialect="spark")
    version = lake.ViewVersion(
        version_id=1,
        timestamp_ms=1,
        schema_id=0,
        summary={"engine-name": "sdk"},
        representations=[lake.ViewRepresentation(text)],
        default_namespace=namespace.split(LEVELS),
    )
    asked = lake.CreateViewRequest(
        name=name, var_schema=schema(), view_version=version, properties={"owner": "ana"}
    )
    return worker.catalogs.create_view(catalog, namespace, asked)


def test_views_are_made_loaded_renamed_and_dropped(worker: Sdk, made: management.Catalog):
    api = worker.catalogs
    sales = make_namespace(worker, made.name, "sales")
    large = make_view(worker, made.name, sales, "large")

    loaded = api.load_view(made.name, sales, "large")
    assert loaded.metadata.view_uuid == large.metadata.view_uuid
    (version,) = loaded.metadata.versions
    assert version.representations[0].actual_instance.sql == "select id from orders"
    assert [name.name for name in api.list_views(made.name, sales).identifiers] == ["large"]
    assert api.list_tables(made.name, sales).identifiers == []

    moved = lake.RenameTableRequest(
        source=lake.TableIdentifier(namespace=["sales"], name="large"),
        destination=lake.TableIdentifier(namespace=["sales"], name="huge"),
    )
    api.rename_view(made.name, moved)
    api.view_exists(made.name, sales, "huge")
    assert refusal(CatalogRefusal, api.load_view, made.name, sales, "large") == (404, "NoSuchViewException")

    api.drop_view(made.name, sales, "huge")
    assert api.list_views(made.name, sales).identifiers == []


def test_generic_tables_are_made_loaded_listed_and_dropped(worker: Sdk, made: management.Catalog):
    api = worker.generic_tables
    sales = make_namespace(worker, made.name, "sales")
    asked = CreateGenericTableRequest(name="leads", format="csv", doc="by hand", properties={"a": "b"})

    table = api.create_generic_table(made.name, sales, asked).table
    assert (table.name, table.format, table.doc, table.properties) == ("leads", "csv", "by hand", {"a": "b"})
    assert api.load_generic_table(made.name, sales, "leads").table == table
    assert [name.name for name in api.list_generic_tables(made.name, sales).identifiers] == ["leads"]

    api.drop_generic_table(made.name, sales, "leads")
    told = refusal(CatalogRefusal, api.load_generic_table, made.name, sales, "leads")
    assert told == (404, "NoSuchTableException")


def make_policy(worker: Sdk, catalog: str, namespace: str, name: str) -> Policy:
    content = json.dumps({"enable": True, "config": {"target_file_size_bytes": 1024}})
    asked = CreatePolicyRequest(name=name, type=COMPACTION, description="merges", content=content)
    return worker.policies.create_policy(catalog, namespace, asked).policy


def test_policies_are_made_changed_attached_and_dropped(worker: Sdk, made: management.Catalog):
    api = worker.policies
    sales = make_namespace(worker, made.name, "sales")
    europe = make_namespace(worker, made.name, "sales", "eu")
    make_table(worker, made.name, europe, "orders")
    policy = make_policy(worker, made.name, sales, "compact")

    assert api.load_policy(made.name, sales, "compact").policy == policy
    listed = api.list_policies(made.name, sales, policy_type=COMPACTION).identifiers
    assert [(one.namespace, one.name) for one in listed] == [(["sales"], "compact")]
    content = json.dumps({"enable": False})
    asked = UpdatePolicyRequest(description="rests", content=content, current_policy_version=policy.version)
    changed = api.update_policy(made.name, sales, "compact", asked).policy
    assert (changed.description, changed.content, changed.version) == ("rests", content, policy.version + 1)

    table = {"namespace": europe, "target_name": "orders"}
    for kind, path, place in [
        ("catalog", None, {}),
        ("namespace", ["sales", "eu"], {"namespace": europe}),
        ("table-like", ["sales", "eu", "orders"], table),
    ]:
        target = PolicyAttachmentTarget(type=kind, path=path)
        api.attach_policy(made.name, sales, "compact", AttachPolicyRequest(target=target))
        (here,) = api.get_applicable_policies(made.name, **place).applicable_policies
        (below,) = api.get_applicable_policies(made.name, **table).applicable_policies
        assert (here.name, here.inherited) == ("compact", False)
        assert (below.name, below.inherited) == ("compact", kind != "table-like")
        told = refusal(CatalogRefusal, api.drop_policy, made.name, sales, "compact")
        assert told == (400, "PolicyInUseException")
        api.detach_policy(made.name, sales, "compact", DetachPolicyRequest(target=target))
        assert api.get_applicable_policies(made.name, **table).applicable_policies == []

    api.drop_policy(made.name, sales, "compact", detach_all=True)
    assert api.list_policies(made.name, sales).identifiers == []
