"""Clouds as the doctor's tests set them up: well, but for what a test says is wrong."""

import json
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

import ministack
from diagnosis import Doctor
from doubles import Azure, Google
from rest import Rest
from s3_places import S3Place
from vending import catalog_name

CONTRIBUTOR = "Storage Blob Data Contributor"
# The service principal of the double's application.
OBJECT_ID = "44444444-4444-4444-8444-444444444444"


@dataclass(frozen=True)
class Amazon:
    """MiniStack, and a server that is one of its users; each catalog has a role of its own."""

    place: S3Place
    doctor: Doctor
    rest: Rest

    def catalog(
        self,
        *,
        permitted: bool = True,
        trusted: bool = True,
        actions: tuple[str, ...] = ("s3:*",),
        bucket: str | None = None,
        **storage: Any,
    ) -> tuple[str, dict[str, str]]:
        """Makes a catalog, and a role that may do this and trusts the server, as the server may act in it."""
        name, bucket = catalog_name(), bucket or self.place.bucket
        # The user is named as the bucket that was made with it.
        user = self.place.bucket
        names = {
            "role": name,
            "role_arn": f"arn:aws:iam::{ministack.ACCOUNT}:role/{name}",
            "user": user,
            "user_arn": f"arn:aws:iam::{ministack.ACCOUNT}:user/{user}",
            "external_id": self.place.external_id,
            "bucket": bucket,
        }
        iam = self.place.client("iam")
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": names["user_arn"] if trusted else f"arn:aws:iam::{ministack.ACCOUNT}:user/another"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": names["external_id"]}},
        }
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))
        may = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        iam.put_role_policy(RoleName=name, PolicyName="files", PolicyDocument=_document(may))
        storage = self.place.storage(**{"roleArn": names["role_arn"], "kmsUnavailable": True, **storage})
        assumed = storage["roleArn"] if permitted else self.place.role_arn
        assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": assumed}
        iam.put_user_policy(UserName=user, PolicyName="assume", PolicyDocument=_document(assume))
        self.rest.create_catalog(name, f"s3://{bucket}/{name}", storage)
        return name, {"endpoint": storage["endpoint"], **names}

    def left_in(self, catalog: str) -> list[str]:
        listed = self.place.client().list_objects_v2(Bucket=self.place.bucket, Prefix=f"{catalog}/")
        return [entry["Key"] for entry in listed.get("Contents", [])]


@dataclass(frozen=True)
class Double:
    """What tests ask of a double itself."""

    endpoint: str

    def change(self, what: str, **body: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.endpoint}/_double/{what}", json=body, timeout=30)
        assert answer.status_code == 200, f"{what} {body}"
        return answer.json()

    def calls(self) -> dict[str, int]:
        return requests.get(f"{self.endpoint}/_double/calls", timeout=30).json()


@dataclass(frozen=True)
class GoogleCloud:
    """Google's double, and a server whose credentials file is replaced; each catalog has an account of its own."""

    google: Google
    double: Double
    credentials: Path
    doctor: Doctor
    rest: Rest

    def catalog(
        self,
        *,
        file: str = "service_account",
        creator: bool = True,
        known: bool = True,
        disabled: bool = False,
        off: bool = False,
        barred: str | None = None,
        role: str = "roles/storage.objectAdmin",
        bucket: str | None = None,
    ) -> tuple[str, dict[str, str]]:
        """Makes a catalog, its service account, and the file that says who the server is."""
        name, bucket = catalog_name(), bucket or self.google.bucket
        account = f"{name.replace('_', '-')}@merak-test.iam.gserviceaccount.com"
        names = {
            "account": account,
            "server": self.google.accounts["server"],
            "person": self.google.accounts["user"],
            "file": str(self.credentials),
            "bucket": bucket,
        }
        self._write(file)
        change = self.double.change
        if known:
            change("account", account=account, disabled=disabled)
            change("grant", account=account, bucket=bucket, role=role)
        for caller in ("server", "person"):
            change("token-creator", caller=names[caller], target=account, holds=creator)
        for user in ("server", "person", *(["account"] if known else [])):
            change("account", account=names[user], service_usage=user != barred)
        change("mode", is_iam_credentials_off=off)
        self.rest.create_catalog(name, f"gs://{bucket}/{name}", {"storageType": "GCS", "gcsServiceAccount": account})
        return name, names

    def left_in(self, catalog: str) -> list[str]:
        # It is the server's account that looks.
        self.double.change("account", account=self.google.accounts["server"], service_usage=True)
        headers = {"Authorization": f"Bearer {self.google.admin_token()}"}
        url = f"{self.google.endpoint}/storage/v1/b/{self.google.bucket}/o"
        answer = requests.get(url, params={"prefix": f"{catalog}/"}, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return [item["name"] for item in answer.json().get("items", [])]

    def _write(self, file: str) -> None:
        self.credentials.unlink(missing_ok=True)
        if file == "malformed":
            self.credentials.write_text('{"type": "service_account", "private_key": ')
        elif file == "ended":
            login = json.loads(Path(self.google.files["authorized_user"]).read_text())
            self.credentials.write_text(json.dumps({**login, "refresh_token": "1//revoked"}))
        elif file != "missing":
            self.credentials.write_text(Path(self.google.files[file]).read_text())


@dataclass(frozen=True)
class AzureCloud:
    """Azure's double, and a server that is an application; each catalog has a storage account of its own."""

    azure: Azure
    double: Double
    doctor: Doctor
    rest: Rest

    def catalog(
        self,
        *,
        tenant: str | None = None,
        other_tenant: bool = False,
        expired: bool = False,
        role: str | None = CONTRIBUTOR,
        is_hierarchical: bool = True,
        says_hierarchical: bool = True,
        container: str | None = None,
    ) -> tuple[str, dict[str, str]]:
        """Makes a catalog and its account, where the application has this role."""
        name, account = catalog_name(), f"acct{uuid.uuid4().hex[:12]}"
        own, container = self.azure.tenant, container or self.azure.container
        another = str(uuid.uuid4())
        names = {
            "account": account,
            "container": container,
            "client_id": self.azure.client_id,
            "object_id": OBJECT_ID,
            "tenant": tenant or own,
        }
        change = self.double.change
        change("tenant", name=another)
        of_tenant = another if other_tenant else own
        made = self.azure.container
        change("account", name=account, tenant=of_tenant, is_hierarchical=is_hierarchical, container=made)
        for holder, held in ((OBJECT_ID, role), ("tester", CONTRIBUTOR)):
            if held:
                change("assign", object_id=holder, account=account, role=held)
        change("mode", is_secret_expired=expired)
        storage = {"storageType": "AZURE", "tenantId": tenant or own}
        if says_hierarchical:
            storage["hierarchical"] = True
        self.rest.create_catalog(name, f"abfss://{container}@{account}.dfs.core.windows.net/{name}", storage)
        return name, {**names, "of_tenant": of_tenant}

    def left_in(self, catalog: str) -> list[str]:
        base = self.rest.get(f"/api/management/v1/catalogs/{catalog}")["properties"]["default-base-location"]
        account = base.split("@")[1].split(".")[0]
        token = self.double.change("token", object_id="tester", tenant=self.azure.tenant)["access_token"]
        headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2023-11-03"}
        url = f"{self.azure.endpoint}/{account}/{self.azure.container}?restype=container&comp=list"
        answer = requests.get(url, headers=headers, timeout=30)
        if answer.status_code == 401:
            # The account is of another tenant, where nobody of this one writes.
            return []
        assert answer.status_code == 200, (answer.status_code, answer.text)
        # The base location is a folder of an account with directories, and stays.
        return [name for name in re.findall("<Name>(.*?)</Name>", answer.text) if name != catalog]


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
