//! Google Cloud.

use serde_json::json;

use super::{Advice, is_unreachable, says, sh};

/// All that is known of a catalog in Google Cloud and of who the server is there.
#[derive(Debug, Clone, Default)]
pub(in crate::doctor) struct GoogleNames {
    pub(in crate::doctor) bucket: String,
    /// The catalog's service account.
    pub(in crate::doctor) account: Option<String>,
    /// The server's own address, once it is known.
    pub(in crate::doctor) caller: Option<String>,
    /// Whether the server is a person who logged in.
    pub(in crate::doctor) is_person: bool,
    pub(in crate::doctor) credentials_file: Option<String>,
    pub(in crate::doctor) quota_project: Option<String>,
}

impl GoogleNames {
    /// Who reaches files.
    fn actor(&self) -> &str {
        self.account.as_deref().or(self.caller.as_deref()).unwrap_or("<the server's account>")
    }

    fn caller(&self) -> &str {
        self.caller.as_deref().unwrap_or("<the server's account>")
    }
}

/// What a failed step comes from.
pub(in crate::doctor) fn advise(step: &str, said: &str, names: &GoogleNames) -> Advice {
    let has = |any: &[&str]| says(said, any);
    if has(&["has no Google Cloud credentials"]) {
        return no_identity(said, names);
    }
    // A person's login, and a key that was deleted, both end so.
    if has(&["invalid_grant", "invalid_rapt", "unauthorized_client"]) {
        return ended(names);
    }
    if has(&["invalid_client"]) && step == "identity" {
        return Advice::new("The credentials file is of an application that Google does not know")
            .give("Log in anew, which writes a good one", login(names));
    }
    if has(&[
        "serviceusage.services.use",
        "required permission to use project",
        "USER_PROJECT_DENIED",
        "serviceUsageConsumer",
    ]) {
        return no_service_use(step, said, names);
    }
    if has(&["has not been used in project", "SERVICE_DISABLED", "it is disabled"]) {
        let service = if step == "impersonate" {
            "iamcredentials.googleapis.com"
        } else {
            "storage.googleapis.com"
        };
        let project = project_in(said).or_else(|| names.quota_project.clone());
        let project = project.as_deref().unwrap_or("<project>");
        return Advice::new(format!(
            "The service {service} is switched off in the project {project}"
        ))
        .give(
            "Switch it on",
            format!("gcloud services enable {service} --project={}", sh(project)),
        );
    }
    if is_unreachable(said) {
        return Advice::new(
            "Google is not reached from the server: a firewall or proxy is in the way",
        )
        .give(
            "Try it from where the server runs",
            "curl -sv https://storage.googleapis.com https://sts.googleapis.com",
        );
    }
    if has(&["NoSuchBucket", "bucket does not exist", "bucket not found"]) {
        return Advice::new(format!("There is no bucket {}", names.bucket)).give(
            "Make it",
            format!("gcloud storage buckets create {}", sh(&format!("gs://{}", names.bucket))),
        );
    }
    match step {
        "impersonate" => of_impersonation(said, names),
        "downscope" => of_downscoping(said, names),
        "refused-outside" => too_wide(names),
        "list" | "write" | "read" | "delete" | "server-access" => of_data(step, said, names),
        _ => Advice::new("Google could not do it").say("See what it said"),
    }
}

fn login(names: &GoogleNames) -> String {
    match &names.account {
        Some(account) => format!(
            "gcloud auth application-default login --impersonate-service-account={}",
            sh(account)
        ),
        None => "gcloud auth application-default login".to_owned(),
    }
}

fn no_identity(said: &str, names: &GoogleNames) -> Advice {
    let file = names.credentials_file.as_deref().unwrap_or("<file>");
    if says(said, &["does not exist"]) {
        return Advice::new(format!(
            "GOOGLE_APPLICATION_CREDENTIALS names {file}, and there is no such file where the \
             server runs"
        ))
        .give("See what is there", format!("ls -l {}", sh(file)))
        .say(
            "Mount or copy the file there: the server reads it when it is needed, and need not be \
             started again",
        );
    }
    if says(said, &["the credentials file"]) {
        return Advice::new(format!("The file {file} is not a credentials file that can be used"))
            .give("See of which type it is, without its secrets", format!("jq .type {}", sh(file)))
            .give("Write a good one", login(names));
    }
    if says(said, &["lifespan"]) {
        return Advice::new("The token that was set has ended")
            .say("Set a newer polaris.storage.gcp.token, or better a credentials file");
    }
    Advice::new("The server has no identity in Google Cloud")
        .say(
            "In Google Cloud, give it a service account: workload identity on GKE, or the \
            machine's",
        )
        .give("Elsewhere, write a credentials file", login(names))
        .give(
            "And name it in the server's environment",
            "GOOGLE_APPLICATION_CREDENTIALS=/path/to/application_default_credentials.json",
        )
}

fn ended(names: &GoogleNames) -> Advice {
    let cause = if names.is_person || names.caller.is_none() {
        "The login that the credentials file is of has ended or was revoked; or its key was deleted"
            .to_owned()
    } else {
        format!("The key of {} was deleted, or the server's clock is wrong", names.caller())
    };
    let advice = Advice::new(cause).give("Log in anew", login(names));
    match &names.caller {
        Some(caller) if caller.ends_with("gserviceaccount.com") => advice.give(
            "Or see which keys the service account has",
            format!("gcloud iam service-accounts keys list --iam-account={}", sh(caller)),
        ),
        Some(_) | None => {
            advice.say("For a server, a service account is better: logins of people end")
        }
    }
}

/// Google counts requests against a project, which one must be allowed to use.
fn no_service_use(step: &str, said: &str, names: &GoogleNames) -> Advice {
    let project = project_in(said).or_else(|| names.quota_project.clone());
    let project = project.as_deref().unwrap_or("<project>");
    // Whom the message names is whom it is about: a person there means the wrong credentials.
    let about = person_in(said);
    if let (Some(person), Some(account)) = (&about, &names.account)
        && person != account
    {
        return Advice::new(format!(
            "Google was asked as {person}, and not as a service account: the wrong credentials \
             file \
             is in use, or a project that is not theirs"
        ))
        .give("Write a file that acts in the service account", login(names))
        .say("CLOUDSDK_CONFIG and GOOGLE_APPLICATION_CREDENTIALS decide which file is used")
        .give("Or let them use the project", consumer(project, person));
    }
    // To act in an account is asked of Google by whoever wants to.
    let asking = if step == "impersonate" { names.caller() } else { names.actor() };
    let member = about.as_deref().unwrap_or(asking);
    Advice::new(format!("{member} may not use services of the project {project}"))
        .give("Let it", consumer(project, member))
        .say("Or take quota_project_id out of the credentials file")
}

fn consumer(project: &str, member: &str) -> String {
    format!(
        "gcloud projects add-iam-policy-binding {} --member={} \
         --role=roles/serviceusage.serviceUsageConsumer",
        sh(project),
        sh(&of_kind(member))
    )
}

fn of_impersonation(said: &str, names: &GoogleNames) -> Advice {
    let account = names.account.as_deref().unwrap_or("<service account>");
    if says(said, &["is disabled", "FAILED_PRECONDITION"]) {
        return Advice::new(format!("The service account {account} is disabled"))
            .give("Enable it", format!("gcloud iam service-accounts enable {}", sh(account)));
    }
    if says(said, &["ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficient authentication scopes"]) {
        return Advice::new(
            "The server's own token is not good for that: the machine's scopes are too narrow",
        )
        .say("Start the machine with the scope cloud-platform");
    }
    if says(said, &["UNAUTHENTICATED", "invalid authentication credentials"]) {
        return ended(names);
    }
    if says(said, &["lifetime"]) {
        return Advice::new("Google makes no tokens that live longer than an hour here")
            .say("Set polaris.features.\"STORAGE_CREDENTIAL_DURATION_SECONDS\"=3600");
    }
    Advice::new(format!(
        "{} may not make tokens of {account}, or there is no such service account; Google does not \
         say which",
        names.caller()
    ))
    .give(
        "Let it make tokens",
        format!(
            "gcloud iam service-accounts add-iam-policy-binding {} --member={} \
             --role=roles/iam.serviceAccountTokenCreator",
            sh(account),
            sh(&of_kind(names.caller()))
        ),
    )
    .give(
        "See whether there is such a service account",
        format!("gcloud iam service-accounts describe {}", sh(account)),
    )
}

fn of_downscoping(said: &str, names: &GoogleNames) -> Advice {
    if says(said, &["boundary", "options"]) {
        return Advice::new(
            "Google does not take the access boundary: it is too long, or a name in \
                            it is not one of a bucket or folder",
        )
        .say("Shorten the catalog's base location");
    }
    Advice::new(format!("Google narrows no tokens of {}", names.actor())).say(
        "Tokens of service accounts and of people can be narrowed; others cannot: set a \
         gcsServiceAccount for the catalog",
    )
}

fn of_data(step: &str, said: &str, names: &GoogleNames) -> Advice {
    let what = match step {
        "list" => "list the bucket",
        "read" => "read objects",
        "delete" => "delete objects",
        _ => "write objects",
    };
    let bucket = format!("gs://{}", names.bucket);
    if says(said, &["retention", "hold"]) {
        return Advice::new(format!("The bucket {} keeps objects for a time", names.bucket)).give(
            "See for how long",
            format!(
                "gcloud storage buckets describe {} --format='value(retentionPolicy)'",
                sh(&bucket)
            ),
        );
    }
    if says(said, &["VPC Service Controls", "organization's policy"]) {
        return Advice::new("A service perimeter keeps the server out")
            .say("Let the server's project or address into the perimeter");
    }
    if says(said, &["uniform bucket-level access"]) {
        return Advice::new(format!("The bucket {} still has access lists", names.bucket)).give(
            "Narrowed tokens need uniform access",
            format!("gcloud storage buckets update {} --uniform-bucket-level-access", sh(&bucket)),
        );
    }
    if says(
        said,
        &["denied", "forbidden", "does not have", "403", "authError", "AuthenticationRequired"],
    ) {
        let who = person_in(said).unwrap_or_else(|| names.actor().to_owned());
        let cause = match (&names.account, who.as_str()) {
            (Some(account), who) if who != account && who.contains('@') => format!(
                "Google was asked as {who}, and not as {account}, and {who} may not {what} in \
                 {bucket}"
            ),
            _ => format!("{who} may not {what} in {bucket}"),
        };
        return Advice::new(cause)
            .give(
                "Let it",
                format!(
                    "gcloud storage buckets add-iam-policy-binding {} --member={} \
                     --role=roles/storage.objectAdmin",
                    sh(&bucket),
                    sh(&of_kind(names.actor()))
                ),
            )
            .give(
                "Narrowed tokens need uniform access of the bucket, too",
                format!(
                    "gcloud storage buckets update {} --uniform-bucket-level-access",
                    sh(&bucket)
                ),
            )
            .give(
                "See whether there is such a bucket: who may not list it may not be told",
                format!("gcloud storage buckets describe {}", sh(&bucket)),
            );
    }
    Advice::new("The store could not do it")
        .say("See what it said, and whether the bucket is the catalog's")
}

fn too_wide(names: &GoogleNames) -> Advice {
    let bucket = sh(&format!("gs://{}", names.bucket));
    Advice::new(format!(
        "The bucket {} lets everybody in, or has access lists of its own",
        names.bucket
    ))
    .give(
        "Close it to the public",
        format!("gcloud storage buckets update {bucket} --public-access-prevention"),
    )
    .give(
        "Let IAM alone decide: boundaries do not bound access lists",
        format!("gcloud storage buckets update {bucket} --uniform-bucket-level-access"),
    )
    .give(
        "If the store is an emulator, it ignores boundaries: vend nothing from it",
        json!({"polaris.features.\"SKIP_CREDENTIAL_SUBSCOPING_INDIRECTION\"": true}).to_string(),
    )
}

/// A member, as IAM names it.
fn of_kind(address: &str) -> String {
    if address.starts_with("principal") {
        address.to_owned()
    } else if address.ends_with("gserviceaccount.com") || !address.contains('@') {
        format!("serviceAccount:{address}")
    } else {
        format!("user:{address}")
    }
}

/// The project that a message is about.
fn project_in(said: &str) -> Option<String> {
    let marks = ["use project ", "in project ", "to the project ", "projects/", "project="];
    let (_, after) = marks.iter().find_map(|mark| said.split_once(mark))?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == ':';
    let name: String = after.chars().take_while(|&c| is_name(c)).collect();
    (!name.is_empty() && name != "-").then_some(name)
}

/// Whom a message is about: the address that it begins with or names.
fn person_in(said: &str) -> Option<String> {
    let (before, _) = said.split_once(" does not have ")?;
    let word = before.rsplit(|c: char| c.is_whitespace()).next()?;
    let is_address = |c: char| c.is_ascii_alphanumeric() || "@.-_+:".contains(c);
    (word.contains('@') && word.chars().all(is_address)).then(|| word.to_owned())
}

#[cfg(test)]
mod tests;
