use super::*;
use crate::doctor::advice::testing::{assert_told, text};

fn names() -> AzureNames {
    AzureNames {
        tenant: "tenant-7".to_owned(),
        client_id: Some("app-1".to_owned()),
        oid: Some("oid-1".to_owned()),
        account: "acct".to_owned(),
        container: "lake".to_owned(),
        host: "acct.dfs.core.windows.net".to_owned(),
        hierarchical: true,
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a row a misconfiguration")]
fn each_misconfiguration_has_its_cause_and_its_remedy() {
    let token =
        "A token of the client app-1 in the tenant tenant-7, by client secret, was refused: ";
    let of_token = |said: &str| format!("{token}{said}");
    let flat_names = AzureNames { hierarchical: false, ..names() };
    let anonymous = AzureNames { oid: None, client_id: None, ..names() };
    let table: &[(&str, String, &AzureNames, &str, &str)] = &[
        (
            "identity",
            "The server has no Azure credentials: client secret: AZURE_CLIENT_SECRET is \
            not set"
                .to_owned(),
            &anonymous,
            "no identity in Azure",
            "az ad sp create-for-rbac",
        ),
        (
            "identity",
            of_token("AADSTS90002: Tenant 'tenant-7' not found."),
            &names(),
            "There is no \
            tenant tenant-7",
            "az account show --query tenantId",
        ),
        (
            "identity",
            of_token("AADSTS7000215: Invalid client secret provided."),
            &names(),
            "is not \
            a secret of the application app-1",
            "az ad app credential reset --id app-1",
        ),
        (
            "identity",
            of_token(
                "AADSTS7000222: The provided client secret keys for app 'app-1' are \
            expired.",
            ),
            &names(),
            "secret of the application app-1 has expired",
            "az ad app credential reset --id app-1",
        ),
        (
            "identity",
            of_token(
                "AADSTS700016: Application with identifier 'app-1' was not found in \
            the directory",
            ),
            &names(),
            "not in the tenant tenant-7",
            "tenant-7/adminconsent?client_id=app-1",
        ),
        (
            "identity",
            of_token(
                "AADSTS65001: The user or administrator has not \
            consented",
            ),
            &names(),
            "has not consented",
            "az ad sp create --id app-1",
        ),
        (
            "identity",
            of_token(
                "AADSTS70021: No matching federated identity record \
            found",
            ),
            &names(),
            "does not trust the token of the workload",
            "federated-credential list --id app-1",
        ),
        (
            "identity",
            of_token(
                "AADSTS53003: Access has been blocked by Conditional Access \
            policies.",
            ),
            &names(),
            "conditional access",
            "administrator",
        ),
        (
            "identity",
            of_token("AADSTS999: Who knows."),
            &names(),
            "gives the server no \
            token",
            "login.microsoftonline.com/error",
        ),
        (
            "identity",
            "A token of the client failed: error trying to connect: dns \
            error"
                .to_owned(),
            &names(),
            "login is not reached",
            "curl -sv https://login.microsoftonline.com",
        ),
        (
            "delegation-key",
            "A user delegation key of the account acct was refused: \
            AuthorizationPermissionMismatch: No."
                .to_owned(),
            &names(),
            "has no role on the account acct",
            "az role assignment create --assignee oid-1 --role 'Storage Blob Data Contributor'",
        ),
        (
            "delegation-key",
            "A user delegation key of the account acct was refused: \
            InvalidAuthenticationInfo: Issuer validation failed. (the account takes tokens of the \
            tenant tenant-8)"
                .to_owned(),
            &names(),
            "another tenant than the catalog's tenantId tenant-7",
            "\"tenantId\":\"tenant-8\"",
        ),
        (
            "delegation-key",
            "A user delegation key of the account acct failed: dns error: failed to \
            lookup address information"
                .to_owned(),
            &names(),
            "no such account",
            "curl -sv https://acct.dfs.core.windows.net",
        ),
        (
            "delegation-key",
            "was refused: AuthorizationFailure: This request is not authorized to \
            perform this operation."
                .to_owned(),
            &names(),
            "chosen networks only",
            "network-rule add --account-name acct",
        ),
        (
            "list",
            "abfss://lake@acct does not exist: ContainerNotFound: The specified container \
            does not exist."
                .to_owned(),
            &names(),
            "has no container lake",
            "az storage container create --auth-mode login --account-name acct --name lake",
        ),
        (
            "write",
            "Access to x was denied: AuthorizationPermissionMismatch: This request is not \
            authorized"
                .to_owned(),
            &names(),
            "may not write blobs in lake",
            "Storage Blob Data Contributor",
        ),
        (
            "list",
            "Access to x was denied: AuthenticationFailed: Signature did not \
            match."
                .to_owned(),
            &names(),
            "has no hierarchical namespace",
            "--query isHnsEnabled",
        ),
        (
            "list",
            "Access to x was denied: AuthenticationFailed: Signature did not \
            match."
                .to_owned(),
            &flat_names,
            "does not take the signature",
            "sas-version",
        ),
        (
            "refused-outside",
            "with credentials for a alone, b could be \
            read"
                .to_owned(),
            &names(),
            "lets everybody in",
            "--allow-blob-public-access false",
        ),
        (
            "server-access",
            "Access to x was denied: AuthorizationPermissionMismatch: \
            no"
            .to_owned(),
            &names(),
            "may not write blobs",
            "role assignment list --all --assignee oid-1",
        ),
    ];
    for (step, said, names, cause, remedy) in table {
        assert_told(&advise(step, said, names), (step, said), cause, remedy);
    }
}

#[test]
fn what_a_container_wide_signature_means_depends_on_the_account() {
    let flat_names = AzureNames { hierarchical: false, ..names() };

    assert!(text(&not_set(&flat_names)).contains("\"hierarchical\":true"));
    assert!(text(&flat(&names())).contains("\"hierarchical\":false"));
    assert!(!text(&flat(&flat_names)).contains("\"hierarchical\""));
    assert!(text(&has_directories(&flat_names)).contains("isHnsEnabled"));
}

#[test]
fn a_tenant_that_is_no_name_is_not_put_into_a_configuration() {
    let said = "(the account takes tokens of the tenant \"},{\")";

    let advice = advise("delegation-key", said, &names());

    assert!(text(&advice).contains("\"tenantId\":\"<tenant>\""), "{advice:?}");
}
