"""Services that speak S3 and STS, and what a catalog must know of them for credentials to be vended there."""

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"
# A refusal is an answer like any other here, and is not worth another try.
PATIENCE = Config(
    retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=30, s3={"addressing_style": "path"}
)


@dataclass(frozen=True)
class S3Place:
    """A service, a bucket in it, and a role that may do everything there. Keys are an id and a secret."""

    endpoint: str
    bucket: str
    role_arn: str
    external_id: str | None
    admin: tuple[str, str]
    server: tuple[str, str]

    def client(self, service: str = "s3") -> Any:
        """Returns a client that may do everything."""
        return client(self.endpoint, *self.admin, service=service)

    def storage(self, **changes: Any) -> dict[str, Any]:
        """Returns the storage configuration of a catalog here; a change to `None` leaves a field out."""
        fields = {
            "storageType": "S3",
            "roleArn": self.role_arn,
            "externalId": self.external_id,
            "region": REGION,
            "endpoint": self.endpoint,
            "stsEndpoint": self.endpoint,
            "pathStyleAccess": True,
        } | changes
        return {name: value for name, value in fields.items() if value is not None}

    def server_environment(self) -> dict[str, str]:
        key, secret = self.server
        return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": REGION}


def client(endpoint: str, key: str, secret: str, session_token: str | None = None, service: str = "s3") -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=session_token,
        config=PATIENCE,
    )
