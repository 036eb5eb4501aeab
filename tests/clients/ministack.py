"""MiniStack with the trust chain of a real account: a user that may only take on a role, and a role that trusts it.

The role's trust policy asks for an external id, and allows session tags.
"""

import json
import uuid
from typing import Any

from s3_places import S3Place, client

ACCOUNT = "000000000000"
# MiniStack never checks the signature of this key, so only the tests use it.
ROOT = ("test", "test")


def trust_chain(endpoint: str) -> S3Place:
    """Makes a user, a role and a bucket, of names of their own."""
    name = f"lake-{uuid.uuid4().hex[:12]}"
    external_id = f"external-{name}"
    user_arn, role_arn = f"arn:aws:iam::{ACCOUNT}:user/{name}", f"arn:aws:iam::{ACCOUNT}:role/{name}"
    iam = client(endpoint, *ROOT, service="iam")
    iam.create_user(UserName=name)
    assume = _policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role_arn})
    iam.put_user_policy(UserName=name, PolicyName="assume", PolicyDocument=assume)
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": user_arn},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
    }
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
    everything = _policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    iam.put_role_policy(RoleName=name, PolicyName="everything", PolicyDocument=everything)
    client(endpoint, *ROOT).create_bucket(Bucket=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return S3Place(
        endpoint=endpoint,
        bucket=name,
        role_arn=role_arn,
        external_id=external_id,
        admin=ROOT,
        server=(key["AccessKeyId"], key["SecretAccessKey"]),
    )


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
