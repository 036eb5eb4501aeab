//! The double, asked by a client of its own over HTTP.

mod client;
mod data;
mod requests;
mod roles;
mod sessions;
mod signatures;

use serde_json::{Value, json};

use super::{Running, start};
use client::{Client, Sending};

/// A double, and the user who may assume its role.
async fn started() -> (Running, Client) {
    let double = start().await;
    let cat = Client::new(&double, &double.access_key_id, &double.secret_access_key);
    (double, cat)
}

/// The parameters of a call that is allowed.
fn assume(double: &Running) -> Vec<(String, String)> {
    [
        ("Action", "AssumeRole"),
        ("Version", "2011-06-15"),
        ("RoleArn", &double.role_arn),
        ("RoleSessionName", "merak-test"),
        ("ExternalId", &double.external_id),
        ("DurationSeconds", "3600"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// The same, with one parameter set; nothing takes it away.
fn with(mut form: Vec<(String, String)>, name: &str, value: Option<&str>) -> Vec<(String, String)> {
    form.retain(|(one, _)| one != name);
    form.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    form
}

/// A document of some statements.
fn document(statements: impl Into<Value>) -> Value {
    let statements = statements.into();
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// What is vended for a table at `db/t`: as narrow as it should be.
fn table_policy() -> String {
    document(json!([
        {
            "Effect": "Allow",
            "Action": [
                "s3:GetObject", "s3:PutObject", "s3:DeleteObject",
                "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
            ],
            "Resource": "arn:aws:s3:::warehouse/db/t/*",
        },
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::warehouse",
            "Condition": {"StringLike": {"s3:prefix": ["db/t", "db/t/*"]}},
        },
    ]))
    .to_string()
}

/// A session of the role, narrowed to the table.
async fn of_table(double: &Running, cat: &Client) -> Client {
    cat.session(with(assume(double), "Policy", Some(&table_policy()))).await
}

/// A session of the role, as wide as it is.
async fn of_role(double: &Running, cat: &Client) -> Client {
    cat.session(assume(double)).await
}

fn put(path: &str) -> Sending {
    Sending::new("PUT", path).body("x")
}

fn get(path: &str) -> Sending {
    Sending::new("GET", path)
}
