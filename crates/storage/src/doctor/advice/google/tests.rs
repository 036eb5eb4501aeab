use super::*;
use crate::doctor::advice::testing::assert_told;

const LAKE: &str = "lake@p-1.iam.gserviceaccount.com";
const SERVER: &str = "merak@p-1.iam.gserviceaccount.com";

fn names() -> GoogleNames {
    GoogleNames {
        bucket: "my-lake".to_owned(),
        account: Some(LAKE.to_owned()),
        caller: Some(SERVER.to_owned()),
        is_person: false,
        credentials_file: Some("/etc/merak/adc file.json".to_owned()),
        quota_project: None,
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a row a misconfiguration")]
fn each_misconfiguration_has_its_cause_and_its_remedy() {
    let person =
        GoogleNames { caller: Some("jo@example.com".to_owned()), is_person: true, ..names() };
    let unknown = GoogleNames { caller: None, ..names() };
    let plain = GoogleNames { account: None, ..names() };
    let impersonate = format!("generateAccessToken of {LAKE} by the service account {SERVER}");
    let denied = format!(
        "{impersonate} was refused: PERMISSION_DENIED: Permission \
         'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."
    );
    let no_use = format!(
        "{impersonate} was refused: PERMISSION_DENIED: Caller does not have required permission to \
         use project p-9. Grant the caller the roles/serviceusage.serviceUsageConsumer role"
    );
    let of_person = "Access to gs://my-lake was denied: forbidden: jo@example.com does not have \
                     serviceusage.services.use access to the project p-9.";
    let lacks = |permission: &str| {
        format!(
            "Access to gs://my-lake/x was denied: AccessDenied: Access denied. {LAKE} does not \
             have \
             {permission} access to the Google Cloud Storage object."
        )
    };
    let (list, create) = (lacks("storage.objects.list"), lacks("storage.objects.create"));
    let table: &[(&str, &str, &GoogleNames, &str, &str)] = &[
        (
            "identity",
            "The server has no Google Cloud credentials: no token is set",
            &unknown,
            "no identity in Google Cloud",
            "GOOGLE_APPLICATION_CREDENTIALS=",
        ),
        (
            "identity",
            "The server has no Google Cloud credentials: the credentials file /etc/merak/adc \
             file.json does not exist",
            &unknown,
            "no such file",
            "ls -l '/etc/merak/adc file.json'",
        ),
        (
            "identity",
            "The server has no Google Cloud credentials: the credentials file /etc/merak/adc \
             file.json has a key that will not do",
            &unknown,
            "is not a credentials file that can be used",
            "jq .type '/etc/merak/adc file.json'",
        ),
        (
            "identity",
            "An access token for a person was refused: invalid_grant: Token has been expired or \
             revoked.",
            &person,
            "has ended or was revoked",
            "gcloud auth application-default login --impersonate-service-account=lake@",
        ),
        (
            "identity",
            "An access token for m was refused: invalid_grant: Invalid JWT Signature.",
            &names(),
            "was deleted",
            "keys list --iam-account=merak@",
        ),
        (
            "identity",
            "An access token for a person was refused: invalid_client: The OAuth client was not \
             found.",
            &person,
            "does not know",
            "application-default login",
        ),
        (
            "impersonate",
            &denied,
            &names(),
            "may not make tokens of lake@p-1",
            "add-iam-policy-binding lake@p-1.iam.gserviceaccount.com \
             --member=serviceAccount:merak@p-1.iam.gserviceaccount.com \
             --role=roles/iam.serviceAccountTokenCreator",
        ),
        ("impersonate", &denied, &person, "jo@example.com may not", "--member=user:jo@example.com"),
        (
            "impersonate",
            "was refused: FAILED_PRECONDITION: The service account is disabled.",
            &names(),
            "is disabled",
            "service-accounts enable lake@",
        ),
        (
            "impersonate",
            &no_use,
            &names(),
            "may not use services of the project p-9",
            "projects add-iam-policy-binding p-9",
        ),
        (
            "impersonate",
            "PERMISSION_DENIED: IAM Service Account Credentials API has not been used in project \
             p-9 before or it is disabled.",
            &names(),
            "iamcredentials.googleapis.com is switched off in the project p-9",
            "gcloud services enable iamcredentials.googleapis.com --project=p-9",
        ),
        (
            "list",
            of_person,
            &names(),
            "asked as jo@example.com, and not as a service account",
            "CLOUDSDK_CONFIG",
        ),
        (
            "list",
            &list,
            &names(),
            "may not list the bucket in gs://my-lake",
            "buckets add-iam-policy-binding gs://my-lake --member=serviceAccount:lake@",
        ),
        (
            "write",
            &create,
            &names(),
            "may not write objects in gs://my-lake",
            "roles/storage.objectAdmin",
        ),
        ("write", &create, &plain, "may not write objects", "--member=serviceAccount:merak@"),
        (
            "write",
            "Access was denied: AccessDenied: Access denied. jo@example.com does not have \
             storage.objects.create access",
            &names(),
            "asked as jo@example.com, and not as lake@",
            "roles/storage.objectAdmin",
        ),
        (
            "list",
            "gs://my-lake does not exist: NoSuchBucket: The specified bucket does not exist.",
            &names(),
            "There is no bucket my-lake",
            "gcloud storage buckets create gs://my-lake",
        ),
        (
            "delete",
            "Refused: forbidden: Object is subject to bucket's retention policy",
            &names(),
            "keeps objects for a time",
            "retentionPolicy",
        ),
        (
            "downscope",
            "The exchange was refused: invalid_request: Invalid options.",
            &names(),
            "access boundary",
            "Shorten",
        ),
        ("downscope", "The exchange failed: dns error", &names(), "not reached", "curl -sv"),
        (
            "refused-outside",
            "with credentials for a alone, b could be read",
            &names(),
            "lets everybody in",
            "--public-access-prevention",
        ),
    ];
    for (step, said, names, cause, remedy) in table {
        assert_told(&advise(step, said, names), (step, said), cause, remedy);
    }
}

#[test]
fn who_is_named_in_a_message_is_put_into_no_command_unless_it_is_an_address() {
    assert_eq!(person_in("forbidden: $(id)@x does not have storage.objects.get access"), None);
    assert_eq!(project_in("use project $(id)"), None);
    assert_eq!(project_in("use project p-9. Grant").as_deref(), Some("p-9"));
}
