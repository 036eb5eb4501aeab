//! Azure.

use serde_json::json;

use super::{Advice, is_unreachable, says, sh};

/// All that is known of a catalog in Azure and of who the server is there.
#[derive(Debug, Clone, Default)]
pub(in crate::doctor) struct AzureNames {
    pub(in crate::doctor) tenant: String,
    pub(in crate::doctor) client_id: Option<String>,
    /// The object id of the server's identity, once it is known.
    pub(in crate::doctor) oid: Option<String>,
    pub(in crate::doctor) account: String,
    pub(in crate::doctor) container: String,
    pub(in crate::doctor) host: String,
    /// Whether the catalog says so.
    pub(in crate::doctor) hierarchical: bool,
}

impl AzureNames {
    fn client(&self) -> &str {
        self.client_id.as_deref().unwrap_or("<AZURE_CLIENT_ID>")
    }

    /// Whom roles are assigned to.
    fn assignee(&self) -> &str {
        self.oid.as_deref().or(self.client_id.as_deref()).unwrap_or("<object id>")
    }
}

/// What a failed step comes from.
pub(in crate::doctor) fn advise(step: &str, said: &str, names: &AzureNames) -> Advice {
    if let Some(advice) = of_token(said, names) {
        return advice;
    }
    if is_unreachable(said) {
        let url = match step {
            "identity" => "https://login.microsoftonline.com".to_owned(),
            _ => format!("https://{}", names.host),
        };
        let cause = if step == "identity" {
            "Microsoft's login is not reached from the server: a firewall or proxy is in the way, \
             or AZURE_AUTHORITY_HOST is wrong"
                .to_owned()
        } else {
            format!(
                "Nobody answers for the account {} at {}: there is no such account, or a firewall \
                 or private endpoint is in the way",
                names.account, names.host
            )
        };
        return Advice::new(cause)
            .give("Try it from where the server runs", format!("curl -sv {}", sh(&url)))
            .give("See whether there is such an account", show_account(names, "primaryEndpoints"));
    }
    if says(said, &["ContainerNotFound", "FilesystemNotFound", "container does not exist"]) {
        return Advice::new(format!(
            "The account {} has no container {}",
            names.account, names.container
        ))
        .give(
            "Make it",
            format!(
                "az storage container create --auth-mode login --account-name {} --name {}",
                sh(&names.account),
                sh(&names.container)
            ),
        );
    }
    if says(
        said,
        &["takes tokens of the tenant", "Issuer validation failed", "InvalidAuthenticationInfo"],
    ) && step != "refused-outside"
    {
        return other_tenant(said, names);
    }
    if says(
        said,
        &["PublicNetworkAccess", "AuthorizationFailure", "network rules", "IpAuthorization"],
    ) {
        return Advice::new(format!(
            "The account {} lets in chosen networks only, and the server's is not among them",
            names.account
        ))
        .give(
            "Let the server's address in, or reach the account by a private endpoint",
            format!(
                "az storage account network-rule add --account-name {} --ip-address <the server's>",
                sh(&names.account)
            ),
        );
    }
    match step {
        "delegation-key" => without_role(names),
        "refused-outside" => too_wide(names),
        "list" | "write" | "read" | "delete" => of_data(step, said, names),
        "server-access" => of_data("write", said, names),
        _ => Advice::new("Azure could not do it").say(
            "See what was said, and whether account, container and tenantId are those of the \
             portal",
        ),
    }
}

/// What Microsoft's login says.
fn of_token(said: &str, names: &AzureNames) -> Option<Advice> {
    let client = names.client();
    let has = |any: &[&str]| says(said, any);
    Some(if has(&["has no Azure credentials", "AZURE_CLIENT_ID is not set"]) {
        Advice::new("The server has no identity in Azure, or half of one")
            .give(
                "Make an application for it, if there is none",
                "az ad sp create-for-rbac --name merak",
            )
            .give(
                "Set what this prints in the server's environment, and start it again",
                "AZURE_TENANT_ID=...\nAZURE_CLIENT_ID=...\nAZURE_CLIENT_SECRET=...",
            )
    } else if has(&["AADSTS7000222"]) {
        reset(Advice::new(format!("The secret of the application {client} has expired")), client)
    } else if has(&["AADSTS7000215", "invalid_client"]) && !has(&["AADSTS700016"]) {
        reset(
            Advice::new(format!(
                "AZURE_CLIENT_SECRET is not a secret of the application {client}: often it is the \
                 secret's id, and not its value"
            )),
            client,
        )
    } else if has(&["AADSTS90002", "AADSTS900023", "AADSTS900021"]) {
        Advice::new(format!("There is no tenant {}", names.tenant))
            .give(
                "See which tenant the account's subscription is in",
                "az account show --query tenantId --output tsv",
            )
            .give(
                "Set it as the catalog's tenantId",
                json!({"storageConfigInfo": {"tenantId": "<tenant>"}}).to_string(),
            )
    } else if has(&["AADSTS700016", "AADSTS65001", "AADSTS7000229", "AADSTS500011"]) {
        not_in_tenant(names)
    } else if has(&["AADSTS700027", "AADSTS70021", "AADSTS700213", "AADSTS700211"]) {
        Advice::new(format!(
            "The application {client} does not trust the token of the workload that the server is"
        ))
        .give(
            "See whom it trusts: issuer and subject must be those of the server's service account",
            format!("az ad app federated-credential list --id {}", sh(client)),
        )
    } else if has(&["AADSTS53003", "AADSTS50158", "AADSTS50079", "AADSTS50076"]) {
        Advice::new("A conditional access policy of the tenant keeps the server out")
            .say("Ask the tenant's administrator to except the server's identity")
    } else if has(&["AADSTS"]) && has(&["A token of"]) {
        Advice::new("Microsoft's login gives the server no token")
            .say("Look the AADSTS number up at https://login.microsoftonline.com/error")
    } else {
        return None;
    })
}

fn reset(advice: Advice, client: &str) -> Advice {
    advice
        .give(
            "Make a new secret",
            format!("az ad app credential reset --id {} --append", sh(client)),
        )
        .say("Set its value (not its id) as AZURE_CLIENT_SECRET, and start the server again")
}

fn not_in_tenant(names: &AzureNames) -> Advice {
    let client = names.client();
    let tenant = if names.tenant.is_empty() { "<tenant>" } else { &names.tenant };
    Advice::new(format!(
        "The application {client} is not in the tenant {tenant}: the catalog's tenantId is another \
         than the account's, or that tenant has not consented to the application"
    ))
    .give(
        "If the tenant is right and the application is of many tenants, an administrator of that \
         tenant consents here",
        format!("https://login.microsoftonline.com/{tenant}/adminconsent?client_id={client}"),
    )
    .give(
        "Or adds it by command, logged in to that tenant",
        format!("az login --tenant {}\naz ad sp create --id {}", sh(tenant), sh(client)),
    )
    .give(
        "If the tenant is wrong, this is the account's",
        "az account show --query tenantId --output tsv",
    )
}

fn other_tenant(said: &str, names: &AzureNames) -> Advice {
    let right = said
        .split_once("takes tokens of the tenant ")
        .map(|(_, after)| after.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned());
    let is_name = |text: &String| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
    };
    let right = right.filter(is_name);
    let tenant = right.as_deref().unwrap_or("<tenant>");
    Advice::new(format!(
        "The account {} is in another tenant than the catalog's tenantId {}",
        names.account, names.tenant
    ))
    .give(
        "Set the tenant of the account",
        json!({"storageConfigInfo": {"tenantId": tenant}}).to_string(),
    )
    .say("If the tenant is right, the server's clock may be wrong, or the token for another cloud")
}

/// Nobody gets a key who has no role on the account.
fn without_role(names: &AzureNames) -> Advice {
    let cause = format!(
        "The server's identity {} has no role on the account {} that gives it delegation keys, or \
         it was assigned a few minutes ago",
        names.assignee(),
        names.account
    );
    with_contributor(Advice::new(cause), names)
        .give(
            "Or on one container alone: then the key is given by a role on the account",
            format!(
                "az role assignment create --assignee {} --role 'Storage Blob Delegator' --scope \
                 {}",
                sh(names.assignee()),
                account_id(names)
            ),
        )
        .say("A new role takes up to ten minutes to count")
}

fn with_contributor(advice: Advice, names: &AzureNames) -> Advice {
    advice.give(
        "Assign the role that may read and write blobs, and sign for them",
        format!(
            "az role assignment create --assignee {} --role 'Storage Blob Data Contributor' \
             --scope {}",
            sh(names.assignee()),
            account_id(names)
        ),
    )
}

/// The id of an account, as a command finds it: its group is not known here.
fn account_id(names: &AzureNames) -> String {
    format!("\"$({})\"", show_account(names, "id"))
}

fn show_account(names: &AzureNames, what: &str) -> String {
    format!("az storage account show --name {} --query {what} --output tsv", sh(&names.account))
}

fn of_data(step: &str, said: &str, names: &AzureNames) -> Advice {
    let what = match step {
        "list" => "list the container",
        "read" => "read blobs",
        "delete" => "delete blobs",
        _ => "write blobs",
    };
    if says(said, &["AuthenticationFailed", "Signature"]) {
        let advice = if names.hierarchical {
            Advice::new(
                "The account does not take a signature for a directory: it has no hierarchical \
                 namespace, though the catalog says so; or the signature's version or time",
            )
            .give("See whether it has one", show_account(names, "isHnsEnabled"))
        } else {
            Advice::new("The account does not take the signature: its version, or the time")
        };
        return advice
            .say("See whether the server's clock is right")
            .say("Set merak.storage.azure.sas-version to one that the account knows");
    }
    if says(said, &["AuthorizationPermissionMismatch", "denied", "403", "Insufficient"]) {
        let cause = format!(
            "A signature can do no more than the identity {} that its key is of, and that may not \
             {what} in {}",
            names.assignee(),
            names.container
        );
        return with_contributor(Advice::new(cause), names)
            .say("A new role takes up to ten minutes to count")
            .give(
                "See what it has",
                format!("az role assignment list --all --assignee {}", sh(names.assignee())),
            );
    }
    Advice::new("The account could not do it")
        .say("See what it said, and whether the container is of this account")
}

fn too_wide(names: &AzureNames) -> Advice {
    Advice::new(format!(
        "The container {} lets everybody in, whatever the signature says",
        names.container
    ))
    .give(
        "Close the account to the public",
        format!(
            "az storage account update --name {} --allow-blob-public-access false",
            sh(&names.account)
        ),
    )
}

/// A hierarchical account that the catalog does not call so.
pub(in crate::doctor) fn not_set(names: &AzureNames) -> Advice {
    Advice::new(format!(
        "Signatures open the whole container {}, though the account could narrow them to a table's \
         directory",
        names.container
    ))
    .give(
        "Say that the account has a hierarchical namespace",
        json!({"storageConfigInfo": {"hierarchical": true}}).to_string(),
    )
}

/// A flat account, for which nothing narrower than a container can be signed.
pub(in crate::doctor) fn flat(names: &AzureNames) -> Advice {
    let advice = Advice::new(format!(
        "The account {} is flat: Azure signs for its containers only, so whoever is given \
         credentials for one table reaches all of {}",
        names.account, names.container
    ));
    let advice = if names.hierarchical {
        advice.give(
            "Set hierarchical to false: signatures for directories are refused there",
            json!({"storageConfigInfo": {"hierarchical": false}}).to_string(),
        )
    } else {
        advice
    };
    advice.say("Give each team a container and a catalog of its own").give(
        "Or move to an account with a hierarchical namespace; this upgrades one for good",
        format!(
            "az storage account hns-migration start --type validation --name {} \
                 --resource-group <group>",
            sh(&names.account)
        ),
    )
}

/// An account that does not tell.
pub(in crate::doctor) fn has_directories(names: &AzureNames) -> Advice {
    Advice::new(format!(
        "Signatures open the whole container {}: a directory is signed for only where the catalog \
         says that the account has a hierarchical namespace",
        names.container
    ))
    .give("See whether it has one", show_account(names, "isHnsEnabled"))
    .give("If so, say it", json!({"storageConfigInfo": {"hierarchical": true}}).to_string())
}

#[cfg(test)]
mod tests;
