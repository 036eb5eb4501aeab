"""`merak doctor`, asked about catalogs in the clouds' emulators and doubles: what is wrong with each is told, with
what mends it, and nothing is left behind.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import doubles
import ministack
from diagnosis import SICK, UNANSWERED, WELL, Doctor
from doctor_cases import AMAZON, AMAZON_SERVERS, AZURE, AZURE_SERVERS, GOOGLE, WRONG_SECRET
from doctor_set_ups import Amazon, AzureCloud, Double, GoogleCloud
from doubles import Google
from forwarder import forwarded
from rest import Rest
from s3_places import S3Place, client
from server import Server
from vending import NAMESPACE, catalog_name

TABLE = f"{NAMESPACE}.t1"
S3_STEPS = ("configuration", "endpoint", "identity", "assume-role")
GOOGLE_STEPS = ("configuration", "identity", "impersonate", "downscope")
AZURE_STEPS = ("configuration", "identity", "delegation-key", "hierarchical", "sign")
DATA_STEPS = ("list", "write", "read", "delete", "refused-outside", "server-access")

MakeServer = Callable[..., Server]


@pytest.fixture(scope="module")
def made_place() -> S3Place:
    """MiniStack with a user and a bucket of these tests' own: what the user may do changes."""
    return ministack.trust_chain(os.environ["MERAK_TEST_MINISTACK_ENDPOINT"])


@pytest.fixture(scope="module")
def amazon(make_server: MakeServer, new_store: Callable, binary: Path, made_place: S3Place) -> Iterator[Amazon]:
    server = make_server(new_store(), "doctor-aws", environment=made_place.server_environment()).start()
    yield Amazon(made_place, Doctor(binary, server, (made_place.server[1],)), Rest(server.uri))
    server.stop()


@pytest.fixture(scope="module")
def google_cloud(
    make_server: MakeServer, new_store: Callable, binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GoogleCloud]:
    folder = tmp_path_factory.mktemp("doctor-google")
    arguments = ["--port", "0", "--fixtures", str(folder)]
    with doubles.double("google", arguments, folder) as told:
        google = Google(told["endpoint"], told["bucket"], told["accounts"], told["fixtures"])
        credentials = folder / "application.json"
        environment = {"GOOGLE_APPLICATION_CREDENTIALS": str(credentials)}
        properties = google.server_properties()
        server = make_server(new_store(), "doctor-google", environment=environment, properties=properties).start()
        login = json.loads(Path(google.files["authorized_user"]).read_text())
        doctor = Doctor(binary, server, (login["refresh_token"], login["client_secret"], "1//revoked"))
        yield GoogleCloud(google, Double(google.endpoint), credentials, doctor, Rest(server.uri))
        server.stop()


@pytest.fixture(scope="module")
def azure_cloud(
    make_server: MakeServer, new_store: Callable, binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AzureCloud]:
    with doubles.azure(tmp_path_factory.mktemp("doctor-azure")) as azure:
        environment, properties = azure.server_environment(), azure.server_properties()
        server = make_server(new_store(), "doctor-azure", environment=environment, properties=properties).start()
        doctor = Doctor(binary, server, (azure.client_secret,))
        yield AzureCloud(azure, Double(azure.endpoint), doctor, Rest(server.uri))
        server.stop()


@pytest.mark.parametrize("case", AMAZON)
def test_what_is_wrong_in_aws_is_told_with_what_mends_it(amazon: Amazon, case: str):
    AMAZON[case].assert_told(amazon)


@pytest.mark.parametrize("case", AMAZON_SERVERS)
def test_what_is_wrong_with_the_servers_keys_is_told(
    amazon: Amazon, make_server: MakeServer, new_store: Callable, case: str
):
    changes, sick = AMAZON_SERVERS[case]
    server = make_server(new_store(), "doctor-sick", environment=_changed(amazon.place.server_environment(), changes))
    sick.assert_told(_served_by(amazon, server.start()))
    server.stop()


@pytest.mark.parametrize("case", GOOGLE)
def test_what_is_wrong_in_google_cloud_is_told_with_what_mends_it(google_cloud: GoogleCloud, case: str):
    GOOGLE[case].assert_told(google_cloud)


@pytest.mark.parametrize("case", AZURE)
def test_what_is_wrong_in_azure_is_told_with_what_mends_it(azure_cloud: AzureCloud, case: str):
    AZURE[case].assert_told(azure_cloud)


@pytest.mark.parametrize("case", AZURE_SERVERS)
def test_what_is_wrong_with_the_servers_application_is_told(
    azure_cloud: AzureCloud, make_server: MakeServer, new_store: Callable, case: str
):
    changes, sick = AZURE_SERVERS[case]
    azure = azure_cloud.azure
    environment = _changed(azure.server_environment(), changes)
    server = make_server(new_store(), "doctor-sick", environment=environment, properties=azure.server_properties())
    sick.assert_told(_served_by(azure_cloud, server.start()))
    server.stop()


def test_on_seaweedfs_all_is_well(seaweedfs: S3Place, server: Server, rest: Rest, binary: Path):
    name = catalog_name()
    rest.create_catalog(name, f"s3://{seaweedfs.bucket}/{name}", seaweedfs.storage())

    diagnosis = Doctor(binary, server, (seaweedfs.server[1],)).diagnose(name)

    assert diagnosis.status == WELL, diagnosis.printed
    assert diagnosis.outcomes() == dict.fromkeys(S3_STEPS + DATA_STEPS, "passed"), diagnosis.printed
    listed = client(seaweedfs.endpoint, *seaweedfs.admin).list_objects_v2(Bucket=seaweedfs.bucket, Prefix=f"{name}/")
    assert listed.get("Contents", []) == []


def test_on_ministack_all_is_well(amazon: Amazon):
    catalog, names = amazon.catalog()

    diagnosis = amazon.doctor.diagnose(catalog)

    assert diagnosis.status == WELL, diagnosis.printed
    assert diagnosis.outcomes() == dict.fromkeys(S3_STEPS + DATA_STEPS, "passed"), diagnosis.printed
    assert names["user_arn"] in diagnosis.step("identity").text
    assert amazon.left_in(catalog) == []


@pytest.mark.parametrize("file", ["service_account", "authorized_user"])
def test_in_google_cloud_all_is_well(google_cloud: GoogleCloud, file: str):
    catalog, names = google_cloud.catalog(file=file)

    diagnosis = google_cloud.doctor.diagnose(catalog)

    assert diagnosis.status == WELL, diagnosis.printed
    assert diagnosis.outcomes() == dict.fromkeys(GOOGLE_STEPS + DATA_STEPS, "passed"), diagnosis.printed
    assert names["account"] in diagnosis.step("impersonate").text
    assert google_cloud.left_in(catalog) == []


def test_in_azure_all_is_well(azure_cloud: AzureCloud):
    catalog, names = azure_cloud.catalog()

    diagnosis = azure_cloud.doctor.diagnose(catalog)

    assert diagnosis.status == WELL, diagnosis.printed
    # The double does not tell whether an account has directories.
    untold = {"hierarchical": "not-applicable"}
    assert diagnosis.outcomes() == dict.fromkeys(AZURE_STEPS + DATA_STEPS, "passed") | untold, diagnosis.printed
    assert names["object_id"] in diagnosis.step("identity").text
    assert azure_cloud.left_in(catalog) == []


@pytest.mark.parametrize("is_hierarchical", [False, True])
def test_signatures_for_a_whole_container_deserve_attention(azure_cloud: AzureCloud, is_hierarchical: bool):
    catalog, names = azure_cloud.catalog(is_hierarchical=is_hierarchical, says_hierarchical=False)

    diagnosis = azure_cloud.doctor.diagnose(catalog)

    assert diagnosis.status == WELL, diagnosis.printed
    wide = {"hierarchical": "not-applicable", "refused-outside": "warning"}
    assert diagnosis.outcomes() == dict.fromkeys(AZURE_STEPS + DATA_STEPS, "passed") | wide, diagnosis.printed
    told = diagnosis.step("refused-outside").text
    assert f"Signatures open the whole container {names['container']}" in told
    assert f"az storage account show --name {names['account']} --query isHnsEnabled" in told
    assert azure_cloud.left_in(catalog) == []


def test_the_same_is_told_as_json(amazon: Amazon):
    for wrong, status in ({}, WELL), ({"externalId": "another"}, SICK):
        catalog, _ = amazon.catalog(**wrong)

        ending, told = amazon.doctor.diagnose_as_json(catalog)
        shown = amazon.doctor.diagnose(catalog)

        assert (ending, told["healthy"]) == (status, status == WELL), told
        assert {step["name"]: step["outcome"] for step in told["steps"]} == shown.outcomes()
        for step in told["steps"]:
            advice = {"cause", "remedies"} if step["outcome"] == "failed" else set()
            assert set(step) == {"name", "outcome", "detail"} | advice
            if advice:
                assert step["cause"] in shown.printed
                assert all(remedy["what"] in shown.printed for remedy in step["remedies"])


def test_a_question_without_an_answer_ends_with_another_status(amazon: Amazon):
    catalog, _ = amazon.catalog()
    nowhere = replace(amazon.doctor, server=Server(amazon.doctor.binary, Path(), Path("none.log"), "serve", {}, {}))

    missing = amazon.doctor.ask("--catalog", "nowhere")
    missing_as_json = amazon.doctor.ask("--catalog", "nowhere", "--json")
    as_nobody = amazon.doctor.ask("--catalog", catalog, CLIENT_SECRET="wrong")
    unreachable = nowhere.ask("--catalog", catalog)
    no_table = amazon.doctor.ask("--catalog", catalog, "--explain-policy", f"{NAMESPACE}.none")

    for ending, said in (
        (missing, "nowhere"),
        (missing_as_json, "nowhere"),
        (as_nobody, "no token was issued: 401 Unauthorized"),
        (unreachable, nowhere.server.uri),
        (no_table, f"{NAMESPACE}.none"),
    ):
        assert (ending.stdout, ending.returncode) == ("", UNANSWERED), ending.stderr
        assert said in ending.stderr


def test_what_a_principal_would_get_in_aws_is_told_and_no_role_is_taken_on(amazon: Amazon):
    with forwarded(amazon.place.endpoint) as forwarder:
        catalog, names = amazon.catalog(endpoint=forwarder.endpoint, stsEndpoint=forwarder.endpoint)
        principal = _reader(amazon.rest, catalog)
        before = forwarder.asked("Action=AssumeRole"), forwarder.asked("HTTP/1.1")
        assert min(before) > 0

        told = amazon.doctor.explain_policy(catalog, TABLE, principal)

        assert (forwarder.asked("Action=AssumeRole"), forwarder.asked("HTTP/1.1")) == before
    assert (told["principal"], told["access"], told["storageType"]) == (principal, "read", "S3")
    assert told["policy"]["roleArn"] == names["role_arn"]
    policy = json.dumps(told["policy"])
    assert f"{names['bucket']}/{catalog}/{NAMESPACE}/t1/*" in policy and "t1*" not in policy
    assert "s3:GetObject" in policy and "s3:PutObject" not in policy


def test_what_a_principal_would_get_in_google_cloud_is_told_and_no_token_is_made(google_cloud: GoogleCloud):
    catalog, names = google_cloud.catalog()
    principal = _reader(google_cloud.rest, catalog)
    before = google_cloud.double.calls()
    assert before

    told = google_cloud.doctor.explain_policy(catalog, TABLE, principal)

    assert google_cloud.double.calls() == before
    assert (told["principal"], told["access"], told["storageType"]) == (principal, "read", "GCS")
    policy = json.dumps(told["policy"])
    assert f"buckets/{names['bucket']}/objects/{catalog}/{NAMESPACE}/t1/'" in policy
    assert "objectViewer" in policy and "objectCreator" not in policy and "objectAdmin" not in policy


def test_what_a_principal_would_get_in_azure_is_told_and_no_key_is_asked_for(azure_cloud: AzureCloud):
    catalog, names = azure_cloud.catalog()
    principal = _reader(azure_cloud.rest, catalog)
    before = azure_cloud.double.calls()
    assert before

    told = azure_cloud.doctor.explain_policy(catalog, TABLE, principal)

    assert azure_cloud.double.calls() == before
    assert (told["principal"], told["access"], told["storageType"]) == (principal, "read", "AZURE")
    policy = told["policy"]
    assert (policy["account"], policy["directory"]) == (names["account"], f"{catalog}/{NAMESPACE}/t1")
    assert (policy["parameters"]["sr"], policy["parameters"]["sp"]) == ("d", "rl")


def _reader(rest: Rest, catalog: str) -> str:
    """Makes a table, and a principal that may read it and nothing else; returns its name."""
    rest.create_namespace(catalog, NAMESPACE)
    rest.create_table(catalog, NAMESPACE, "t1")
    principal = f"reader-{catalog}"
    grant = {"type": "table", "namespace": [NAMESPACE], "tableName": "t1", "privilege": "TABLE_READ_DATA"}
    rest.create_principal(principal, catalog, grant)
    return principal


def _served_by(set_up: Any, server: Server) -> Any:
    """Returns a set-up with another server, whose environment is wrong."""
    doctor = replace(set_up.doctor, server=server, secrets=(*set_up.doctor.secrets, WRONG_SECRET))
    return replace(set_up, doctor=doctor, rest=Rest(server.uri))


def _changed(environment: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in (environment | changes).items() if value is not None}
