"""Policies: the command line of Apache Polaris and its Python client make, attach, find and drop them."""

import json
from pathlib import Path
from typing import Any

import pytest
from apache_polaris.sdk.catalog.api.policy_api import PolicyAPI
from apache_polaris.sdk.catalog.api_client import ApiClient
from apache_polaris.sdk.catalog.configuration import Configuration
from apache_polaris.sdk.catalog.exceptions import ApiException
from apache_polaris.sdk.catalog.models.attach_policy_request import AttachPolicyRequest
from apache_polaris.sdk.catalog.models.create_policy_request import CreatePolicyRequest
from apache_polaris.sdk.catalog.models.detach_policy_request import DetachPolicyRequest
from apache_polaris.sdk.catalog.models.policy_attachment_target import PolicyAttachmentTarget
from apache_polaris.sdk.catalog.models.update_policy_request import UpdatePolicyRequest

from polaris_cli import PolarisCli, hire
from rest import Rest

COMPACTION, EXPIRY = "system.data-compaction", "system.snapshot-expiry"
ENABLED, DISABLED = {"enable": True}, {"enable": False, "version": "2025-02-03", "config": {"target_size": "512"}}


@pytest.fixture
def sales(rest: Rest, catalog: str) -> str:
    """A catalog with the table `sales.eu.orders`."""
    for levels in (["sales"], ["sales", "eu"]):
        rest.post(f"/api/catalog/v1/{catalog}/namespaces", {"namespace": levels})
    rest.create_table(catalog, "sales%1Feu", "orders")
    return catalog


@pytest.fixture
def policies(rest: Rest) -> PolicyAPI:
    """The generated client of Polaris, as the root principal."""
    return PolicyAPI(ApiClient(Configuration(host=f"{rest.uri}/api/catalog", access_token=rest.token)))


def in_sales(catalog: str) -> list[str]:
    return ["--catalog", catalog, "--namespace", "sales"]


def write(folder: Path, content: Any) -> str:
    path = folder / "policy.json"
    path.write_text(json.dumps(content))
    return str(path)


def make(cli: PolarisCli, folder: Path, catalog: str, name: str, kind: str, content: Any = ENABLED) -> None:
    said = ["--policy-file", write(folder, content), "--policy-type", kind]
    cli.do("policies", "create", name, *in_sales(catalog), *said)


def attach(cli: PolarisCli, verb: str, catalog: str, name: str, path: str = "") -> None:
    """Attaches a policy, or detaches it: to the catalog, a namespace or the table, as the path says."""
    kind = {"": "catalog", "sales.eu.orders": "table-like"}.get(path, "namespace")
    place = ["--attachment-type", kind, *(["--attachment-path", path] if path else [])]
    cli.do("policies", verb, name, *in_sales(catalog), *place)


def applicable(cli: PolarisCli, catalog: str, *place: str) -> dict[str, bool]:
    """Returns the names of the policies that apply, and whether each is inherited."""
    lines = cli.lines("policies", "list", "--applicable", "--catalog", catalog, *place)
    return {line["name"]: line["inherited"] for line in lines}


def test_a_policy_is_made_shown_changed_and_deleted(cli: PolarisCli, sales: str, tmp_path: Path):
    described = ["--policy-description", "merges small files"]
    said = ["--policy-file", write(tmp_path, ENABLED), "--policy-type", COMPACTION]
    cli.do("policies", "create", "compact", *in_sales(sales), *said, *described)

    shown = cli.show("policies", "get", "compact", *in_sales(sales))["policy"]
    assert shown == {
        "policy-type": COMPACTION,
        "inheritable": True,
        "name": "compact",
        "description": "merges small files",
        "content": json.dumps(ENABLED),
        "version": 0,
    }
    assert cli.refuse("policies", "create", "compact", *in_sales(sales), *said) == "AlreadyExistsException"

    cli.do("policies", "update", "compact", *in_sales(sales), "--policy-file", write(tmp_path, DISABLED), *described)
    shown = cli.show("policies", "get", "compact", *in_sales(sales))["policy"]
    assert (shown["content"], shown["version"]) == (json.dumps(DISABLED), 1)

    cli.do("policies", "delete", "compact", *in_sales(sales))
    assert cli.refuse("policies", "get", "compact", *in_sales(sales)) == "NoSuchPolicyException"


def test_what_is_no_policy_is_refused(cli: PolarisCli, sales: str, tmp_path: Path):
    def create(name: str, kind: str, content: Any) -> str:
        said = ["--policy-file", write(tmp_path, content), "--policy-type", kind]
        return cli.refuse("policies", "create", name, *in_sales(sales), *said)

    assert create("p", "system.nothing", ENABLED) == "BadRequestException"
    assert create("p", COMPACTION, {"enable": True, "more": 1}) == "InvalidPolicyException"
    assert create("p", COMPACTION, {}) == "InvalidPolicyException"
    orphans = {"enable": True, "max_orphan_file_age_in_days": -1}
    assert create("p", "system.orphan-file-removal", orphans) == "InvalidPolicyException"
    assert cli.show("policies", "list", *in_sales(sales))["identifiers"] == []


def test_policies_are_listed_by_their_type(cli: PolarisCli, sales: str, tmp_path: Path):
    make(cli, tmp_path, sales, "compact", COMPACTION)
    make(cli, tmp_path, sales, "expire", EXPIRY)

    def listed(*options: str) -> list[str]:
        found = cli.show("policies", "list", *in_sales(sales), *options)["identifiers"]
        assert all(one["namespace"] == ["sales"] for one in found)
        return sorted(one["name"] for one in found)

    assert listed() == ["compact", "expire"]
    assert listed("--policy-type", EXPIRY) == ["expire"]


def test_the_nearest_policy_of_a_type_applies(cli: PolarisCli, sales: str, tmp_path: Path):
    for name in ("all", "eu", "orders"):
        make(cli, tmp_path, sales, name, COMPACTION)
    make(cli, tmp_path, sales, "expire", EXPIRY)
    places = ([], ["--namespace", "sales"], ["--namespace", "sales.eu"])
    places = [*places, ["--namespace", "sales.eu", "--target-name", "orders"]]
    for name, path in (("all", ""), ("eu", "sales.eu"), ("orders", "sales.eu.orders"), ("expire", "sales")):
        attach(cli, "attach", sales, name, path)

    assert [applicable(cli, sales, *place) for place in places] == [
        {"all": False},
        {"all": True, "expire": False},
        {"eu": False, "expire": True},
        {"orders": False, "expire": True},
    ]
    only = applicable(cli, sales, *places[3], "--policy-type", EXPIRY)
    assert only == {"expire": True}

    attach(cli, "detach", sales, "orders", "sales.eu.orders")
    assert applicable(cli, sales, *places[3]) == {"eu": True, "expire": True}


def test_summaries_tell_which_policies_apply(cli: PolarisCli, sales: str, tmp_path: Path):
    for name, kind, path in (("compact", COMPACTION, ""), ("expire", EXPIRY, "sales.eu")):
        make(cli, tmp_path, sales, name, kind)
        attach(cli, "attach", sales, name, path)

    of_catalog = cli.text("catalogs", "summarize", sales)
    assert "  - compact\n" in of_catalog and "expire" not in of_catalog
    of_namespace = cli.text("namespaces", "summarize", "sales.eu", "--catalog", sales)
    assert "  - compact (Inherited from sales)\n  - expire (Direct)\n" in of_namespace
    of_table = cli.text("tables", "summarize", "orders", "--catalog", sales, "--namespace", "sales.eu")
    assert "  - compact (Inherited from sales)\n  - expire (Inherited from sales)\n" in of_table


def test_a_policy_that_is_attached_stays_unless_it_is_detached(cli: PolarisCli, sales: str, tmp_path: Path):
    make(cli, tmp_path, sales, "compact", COMPACTION)
    attach(cli, "attach", sales, "compact")
    attach(cli, "attach", sales, "compact", "sales.eu.orders")

    assert cli.refuse("policies", "delete", "compact", *in_sales(sales)) == "PolicyInUseException"
    cli.do("policies", "delete", "compact", *in_sales(sales), "--detach-all")

    assert applicable(cli, sales) == {}


def test_privileges_open_policies(cli: PolarisCli, sales: str, tmp_path: Path):
    make(cli, tmp_path, sales, "compact", COMPACTION)
    person = hire(cli, sales)
    ann = person.cli(cli.uri)
    place = ["--attachment-type", "namespace", "--attachment-path", "sales.eu"]
    on_namespace = ["--catalog", sales, "--catalog-role", person.catalog_role, "--namespace", "sales"]

    assert ann.refuse("policies", "get", "compact", *in_sales(sales)) == "ForbiddenException"
    cli.do("privileges", "namespace", "grant", *on_namespace, "POLICY_READ")
    assert ann.show("policies", "get", "compact", *in_sales(sales))["policy"]["name"] == "compact"
    assert ann.refuse("policies", "attach", "compact", *in_sales(sales), *place) == "ForbiddenException"
    cli.do("privileges", "namespace", "grant", *on_namespace, "CATALOG_MANAGE_CONTENT")
    ann.do("policies", "attach", "compact", *in_sales(sales), *place)


def test_the_generated_client_reads_every_answer(policies: PolicyAPI, sales: str):
    target = PolicyAttachmentTarget(type="table-like", path=["sales", "eu", "orders"])
    create = CreatePolicyRequest(name="compact", type=COMPACTION, content=json.dumps(ENABLED))
    made = policies.create_policy(sales, "sales", create).policy
    assert (made.version, made.inheritable, made.description) == (0, True, None)
    assert policies.load_policy(sales, "sales", "compact").policy == made

    update = UpdatePolicyRequest(description="why", content=json.dumps(DISABLED), current_policy_version=0)
    changed = policies.update_policy(sales, "sales", "compact", update).policy
    assert (changed.version, changed.description) == (1, "why")
    assert refused(lambda: policies.update_policy(sales, "sales", "compact", update)) == (
        409,
        "PolicyVersionMismatchException",
        "Policy version mismatch. Given version is 0, current version is 1",
    )

    attach = AttachPolicyRequest(target=target, parameters={"by": "hand"})
    policies.attach_policy(sales, "sales", "compact", attach)
    (applies,) = policies.get_applicable_policies(
        sales, namespace="sales\x1feu", target_name="orders"
    ).applicable_policies
    assert (applies.name, applies.namespace, applies.inherited) == ("compact", ["sales"], False)
    detach = DetachPolicyRequest(target=target)
    policies.detach_policy(sales, "sales", "compact", detach)
    status, kind, _ = refused(lambda: policies.detach_policy(sales, "sales", "compact", detach))
    assert (status, kind) == (404, "NoSuchMappingException")
    policies.drop_policy(sales, "sales", "compact", detach_all=True)
    assert policies.list_policies(sales, "sales").identifiers == []
    status, kind, text = refused(lambda: policies.drop_policy(sales, "sales", "compact"))
    assert (status, kind) == (404, "NoSuchPolicyException")
    assert text == "Policy does not exist: PolicyIdentifier[namespace=sales, name=compact]"


def refused(call) -> tuple[int, str, str]:
    """Returns the status, the exception and the text that a call is refused with."""
    with pytest.raises(ApiException) as caught:
        call()
    error = json.loads(caught.value.body)["error"]
    return error["code"], error["type"], error["message"]
