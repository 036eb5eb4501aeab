"""What may be wrong with a catalog's storage, and what the doctor is to say of it, by what it is called in the tests.

Each has something to change in a set-up; those of servers have something to change in the server's environment, too.
"""

import ministack
from diagnosis import Sick
from doctor_set_ups import CONTRIBUTOR
from server import free_port

WRONG_SECRET = "wrong-secret-of-the-server"
UNKNOWN_TENANT = "99999999-9999-4999-8999-999999999999"
NOWHERE = f"http://127.0.0.1:{free_port()}"

AMAZON = {
    "no trust": Sick(
        "assume-role",
        "the trust policy of $role_arn does not name $user_arn",
        "aws iam update-assume-role-policy --role-name $role --policy-document",
        {"trusted": False},
    ),
    "no permission": Sick(
        "assume-role",
        "sts:AssumeRole",
        "aws iam put-user-policy --user-name $user --policy-name merak-assume-$role --policy-document",
        {"permitted": False},
    ),
    "another external id": Sick(
        "assume-role", "wants another external id", '"sts:ExternalId": "another"', {"externalId": "another"}
    ),
    "no external id": Sick("assume-role", "external id", "aws iam get-role --role-name $role", {"externalId": None}),
    "unknown role": Sick(
        "assume-role",
        "there is no such role",
        "aws iam get-role --role-name nobody",
        {"roleArn": f"arn:aws:iam::{ministack.ACCOUNT}:role/nobody"},
    ),
    "wrong endpoint": Sick(
        "endpoint",
        f"Nobody answers at {NOWHERE}",
        f"curl -sv {NOWHERE}",
        {"endpoint": NOWHERE, "stsEndpoint": None},
    ),
    "wrong endpoint of STS": Sick(
        "assume-role", f"Nobody answers at {NOWHERE}", f"curl -sv {NOWHERE}", {"stsEndpoint": NOWHERE}
    ),
    "no bucket": Sick(
        "list", "There is no bucket $bucket", "aws s3 mb s3://$bucket --region us-east-1", {"bucket": "nowhere-at-all"}
    ),
    "no list": Sick(
        "list",
        "The role $role_arn may not list the bucket",
        "aws iam put-role-policy --role-name $role --policy-name merak-files --policy-document",
        {"actions": ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")},
    ),
    "no put": Sick(
        "write",
        "The role $role_arn may not write objects below s3://$bucket/$role",
        '"Resource": "arn:aws:s3:::$bucket/$role/*"',
        {"actions": ("s3:ListBucket", "s3:GetObject", "s3:DeleteObject")},
    ),
    "no get": Sick(
        "read",
        "The role $role_arn may not read objects",
        "aws s3api get-bucket-policy --bucket $bucket",
        {"actions": ("s3:ListBucket", "s3:PutObject", "s3:DeleteObject")},
    ),
}

# By what is wrong with the server's own environment, as changes to it.
AMAZON_SERVERS = {
    "wrong secret": (
        {"AWS_SECRET_ACCESS_KEY": WRONG_SECRET},
        Sick("identity", "SignatureDoesNotMatch", "Set AWS_SECRET_ACCESS_KEY"),
    ),
    "unknown key": (
        {"AWS_ACCESS_KEY_ID": "AKIAUNKNOWN000000000"},
        Sick("identity", "does not know the server's access key", "aws iam list-access-keys"),
    ),
    "no credentials": (
        {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_EC2_METADATA_DISABLED": "true"},
        Sick(
            "identity", "The server has no identity in AWS", "AWS_ACCESS_KEY_ID=...\n        AWS_SECRET_ACCESS_KEY=..."
        ),
    ),
}

TOKEN_CREATOR = (
    "gcloud iam service-accounts add-iam-policy-binding $account --member=serviceAccount:$server "
    "--role=roles/iam.serviceAccountTokenCreator"
)
OBJECT_ADMIN = (
    "gcloud storage buckets add-iam-policy-binding gs://$bucket --member=serviceAccount:$account "
    "--role=roles/storage.objectAdmin"
)
LOGIN = "gcloud auth application-default login --impersonate-service-account=$account"

GOOGLE = {
    "no token creator": Sick("impersonate", "iam.serviceAccounts.getAccessToken", TOKEN_CREATOR, {"creator": False}),
    "unknown service account": Sick(
        "impersonate",
        "there is no such service account",
        "gcloud iam service-accounts describe $account",
        {"known": False},
    ),
    "disabled service account": Sick(
        "impersonate", "is disabled", "gcloud iam service-accounts enable $account", {"disabled": True}
    ),
    "no IAM": Sick(
        "impersonate",
        "has not been used in project merak-test",
        "gcloud services enable iamcredentials.googleapis.com --project=merak-test",
        {"off": True},
    ),
    "no file": Sick("identity", "there is no such file where the server runs", "ls -l $file", {"file": "missing"}),
    "malformed file": Sick(
        "identity", "$file is not a credentials file that can be used", "jq .type $file", {"file": "malformed"}
    ),
    "ended login": Sick("identity", "invalid_grant", LOGIN, {"file": "ended"}),
    "no bucket": Sick(
        "list", "There is no bucket $bucket", "gcloud storage buckets create gs://$bucket", {"bucket": "nowhere-at-all"}
    ),
    "no list": Sick(
        "list", "may not list the bucket in gs://$bucket", OBJECT_ADMIN, {"role": "roles/storage.legacyObjectReader"}
    ),
    "no write": Sick(
        "write", "may not write objects in gs://$bucket", OBJECT_ADMIN, {"role": "roles/storage.objectViewer"}
    ),
    "no read": Sick(
        "read", "may not read objects in gs://$bucket", OBJECT_ADMIN, {"role": "roles/storage.legacyBucketWriter"}
    ),
    "no use of services by the server": Sick(
        "impersonate",
        "may not use services of the project merak-test",
        "gcloud projects add-iam-policy-binding merak-test --member=serviceAccount:$server "
        "--role=roles/serviceusage.serviceUsageConsumer",
        {"barred": "server"},
    ),
    "no use of services by a person": Sick(
        "impersonate",
        "may not use services of the project merak-test",
        "gcloud projects add-iam-policy-binding merak-test --member=",
        {"file": "authorized_user", "barred": "person"},
        # Google does not tell who the person is, and it is not the account that may not.
        never="$account may not use services",
    ),
    "no use of services by the account": Sick(
        "list",
        "may not use services of the project merak-test",
        "gcloud projects add-iam-policy-binding merak-test --member=serviceAccount:$account "
        "--role=roles/serviceusage.serviceUsageConsumer",
        {"file": "authorized_user", "barred": "account"},
    ),
}

ASSIGN = f"az role assignment create --assignee $object_id --role '{CONTRIBUTOR}' --scope "
OF_ACCOUNT = '"$$(az storage account show --name $account --query id --output tsv)"'

AZURE = {
    "hierarchical, and flat": Sick(
        "list",
        "it has no hierarchical namespace, though the catalog says so",
        "az storage account show --name $account --query isHnsEnabled",
        {"is_hierarchical": False},
    ),
    "unknown tenant": Sick(
        "identity",
        f"There is no tenant {UNKNOWN_TENANT}",
        "az account show --query tenantId",
        {"tenant": UNKNOWN_TENANT},
    ),
    "tenant without consent": Sick(
        "identity",
        "The application $client_id is not in the tenant $tenant",
        "https://login.microsoftonline.com/$tenant/adminconsent?client_id=$client_id",
        {"tenant": "33333333-3333-4333-8333-333333333333"},
    ),
    "another tenant's account": Sick(
        "delegation-key",
        "The account $account is in another tenant than the catalog's tenantId $tenant",
        '{"storageConfigInfo":{"tenantId":',
        {"other_tenant": True},
    ),
    "expired secret": Sick(
        "identity",
        "The secret of the application $client_id has expired",
        "az ad app credential reset --id $client_id --append",
        {"expired": True},
    ),
    "no role": Sick(
        "delegation-key",
        "The server's identity $object_id has no role on the account $account",
        ASSIGN + OF_ACCOUNT,
        {"role": None},
    ),
    "no data": Sick("list", "may not list the container in $container", ASSIGN, {"role": "Storage Blob Delegator"}),
    "no write": Sick("write", "may not write blobs in $container", ASSIGN, {"role": "Storage Blob Data Reader"}),
    "no container": Sick(
        "list",
        "The account $account has no container nowhere",
        "az storage container create --auth-mode login --account-name $account --name nowhere",
        {"container": "nowhere"},
    ),
}

AZURE_SERVERS = {
    "wrong secret": (
        {"AZURE_CLIENT_SECRET": WRONG_SECRET},
        Sick("identity", "AADSTS7000215", "az ad app credential reset --id $client_id --append"),
    ),
    "no application": (
        {"AZURE_CLIENT_ID": None},
        Sick(
            "identity", "The server has no identity in Azure, or half of one", "az ad sp create-for-rbac --name merak"
        ),
    ),
}
