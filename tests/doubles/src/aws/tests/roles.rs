//! Who may assume a role, and how it must be asked for.

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::*;

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn trust(principal: &Value, actions: &str) -> Value {
    document(json!([{"Effect": "Allow", "Principal": principal, "Action": actions}]))
}

#[tokio::test]
async fn a_role_is_assumed_as_it_is_asked_for() {
    let (double, cat) = started().await;
    let form = with(assume(&double), "Policy", Some(&table_policy()));
    let form = with(form, "Tags.member.1.Key", Some("merak:realm"));
    let form = with(form, "Tags.member.1.Value", Some("R"));
    let form = with(form, "TransitiveTagKeys.member.1", Some("merak:realm"));

    let answer = cat.sts(form).await;

    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "text/xml");
    let arn = "arn:aws:sts::444455556666:assumed-role/lake/merak-test";
    assert_eq!(answer.text("Arn").unwrap(), arn);
    assert!(answer.text("AccessKeyId").unwrap().starts_with("ASIA"));
    let expires = OffsetDateTime::parse(&answer.text("Expiration").unwrap(), &Rfc3339).unwrap();
    let life = expires - OffsetDateTime::now_utc();
    assert!((3590..=3600).contains(&life.whole_seconds()), "{life}");
    let [record] = &double.assumed()[..] else { panic!("one call was made") };
    assert_eq!(record.role_arn, double.role_arn);
    assert_eq!(record.session_name, "merak-test");
    assert_eq!(record.external_id.as_ref(), Some(&double.external_id));
    assert_eq!(record.policy, Some(table_policy()));
    assert_eq!(record.duration_seconds.as_deref(), Some("3600"));
    assert_eq!(record.tags, [("merak:realm".to_owned(), "R".to_owned())]);
    assert_eq!(record.transitive_tag_keys, ["merak:realm"]);
    assert_eq!(record.access_key_id, answer.text("AccessKeyId"));
    assert_eq!((record.code.as_ref(), double.count("AssumeRole")), (None, 1));
}

#[tokio::test]
async fn a_role_is_refused_in_the_words_of_aws() {
    let (double, cat) = started().await;

    let answer = cat.sts(with(assume(&double), "ExternalId", None)).await;

    assert_eq!(answer.error(), refused(403, "AccessDenied"));
    assert_eq!(answer.text("Type").unwrap(), "Sender");
    assert_eq!(
        answer.text("Message").unwrap(),
        "User: arn:aws:iam::111122223333:user/cat is not authorized to perform: sts:AssumeRole on \
         resource: arn:aws:iam::444455556666:role/lake"
    );
    let other = "arn:aws:iam::444455556666:role/other";
    for (name, value) in [("ExternalId", "another"), ("RoleArn", other)] {
        let answer = cat.sts(with(assume(&double), name, Some(value))).await;
        assert_eq!(answer.error(), refused(403, "AccessDenied"), "{name}");
    }
    assert_eq!(double.assumed()[2].code.as_deref(), Some("AccessDenied"));
    assert_eq!(double.calls()[2].principal.as_ref(), Some(&double.user_arn));
}

#[tokio::test]
async fn between_accounts_both_sides_must_agree() {
    let (double, cat) = started().await;
    let denied = refused(403, "AccessDenied");

    double.set("users", &json!({"name": "cat", "policy": null})).unwrap();
    assert_eq!(cat.sts(assume(&double)).await.error(), denied);

    let allow = json!({"Effect": "Allow", "Action": "sts:*", "Resource": double.role_arn});
    double.set("users", &json!({"name": "cat", "policy": document(json!([allow]))})).unwrap();
    assert_eq!(cat.sts(assume(&double)).await.status, 200);

    let deny = json!({"Effect": "Deny", "Action": "sts:*", "Resource": double.role_arn});
    double.set("users", &json!({"name": "cat", "policy": document(json!([allow, deny]))})).unwrap();
    assert_eq!(cat.sts(assume(&double)).await.error(), denied);

    double.set("users", &json!({"name": "cat", "policy": document(json!([allow]))})).unwrap();
    for (principal, status) in [
        (json!({"AWS": "arn:aws:iam::111122223333:user/dog"}), 403),
        (json!({"Service": "ec2.amazonaws.com"}), 403),
        (json!({"AWS": "arn:aws:iam::111122223333:root"}), 200),
        (json!({"AWS": "*"}), 200),
    ] {
        let trust = trust(&principal, "sts:AssumeRole");
        double.set("roles", &json!({"name": "lake", "trust": trust})).unwrap();
        assert_eq!(cat.sts(assume(&double)).await.status, status, "{principal}");
    }
}

#[tokio::test]
async fn within_an_account_the_trust_of_the_user_is_enough() {
    let (double, cat) = started().await;
    double.set("users", &json!({"name": "cat", "policy": null})).unwrap();
    let near = "arn:aws:iam::111122223333:role/near";
    for (principal, status) in
        [(double.user_arn.as_str(), 200), ("arn:aws:iam::111122223333:root", 403)]
    {
        let trust = trust(&json!({"AWS": principal}), "sts:AssumeRole");
        let role = json!({"name": "near", "account": "111122223333", "trust": trust});
        double.set("roles", &role).unwrap();
        let answer = cat.sts(with(assume(&double), "RoleArn", Some(near))).await;
        assert_eq!(answer.status, status, "{principal}");
    }
}

#[tokio::test]
async fn tags_need_a_permission_of_their_own() {
    let (double, cat) = started().await;
    let principal = json!({"AWS": double.user_arn});
    let trust = trust(&principal, "sts:AssumeRole");
    double.set("roles", &json!({"name": "lake", "trust": trust})).unwrap();
    let tagged = with(assume(&double), "Tags.member.1.Key", Some("k"));
    let tagged = with(tagged, "Tags.member.1.Value", Some("v"));

    assert_eq!(cat.sts(assume(&double)).await.status, 200);
    let answer = cat.sts(tagged).await;
    assert_eq!(answer.error(), refused(403, "AccessDenied"));
    assert!(answer.text("Message").unwrap().contains("sts:TagSession"), "{}", answer.body);
}

#[tokio::test]
async fn what_aws_does_not_take_is_refused() {
    let (double, cat) = started().await;
    let long = "n".repeat(65);
    let policy = |length: usize| {
        let text = table_policy();
        format!("{text}{}", " ".repeat(length - text.len()))
    };
    let (fits, too_long) = (policy(2048), policy(2049));
    let (key, value) = ("k".repeat(129), "v".repeat(257));
    assert_eq!(cat.sts(with(assume(&double), "Policy", Some(&fits))).await.status, 200);
    for (name, value, code) in [
        ("RoleSessionName", Some("n"), "ValidationError"),
        ("RoleSessionName", Some(long.as_str()), "ValidationError"),
        ("RoleSessionName", Some("a b"), "ValidationError"),
        ("RoleSessionName", Some("a/b"), "ValidationError"),
        ("RoleSessionName", None, "ValidationError"),
        ("RoleArn", Some("arn:aws:iam::444455556666:user/lake"), "ValidationError"),
        ("RoleArn", Some("arn:aws:iam::444455556666:role/lake\u{200b}"), "AccessDenied"),
        ("ExternalId", Some("e"), "ValidationError"),
        ("ExternalId", Some("not allowed"), "ValidationError"),
        ("DurationSeconds", Some("899"), "ValidationError"),
        ("DurationSeconds", Some("3601"), "ValidationError"),
        ("DurationSeconds", Some("43201"), "ValidationError"),
        ("DurationSeconds", Some("an hour"), "MalformedInput"),
        ("Policy", Some(&too_long), "ValidationError"),
        ("Policy", Some("{\"\u{100}\": 1}"), "ValidationError"),
        ("Policy", Some("{"), "MalformedPolicyDocument"),
        ("Policy", Some("{\"Version\": \"2012-10-17\"}"), "MalformedPolicyDocument"),
        ("Tags.member.1.Key", Some("a*b"), "ValidationError"),
        ("Tags.member.1.Key", Some(&key), "ValidationError"),
        ("Tags.member.1.Key", Some("aws:k"), "InvalidParameterValue"),
        ("TransitiveTagKeys.member.1", Some("k"), "InvalidParameterValue"),
        ("Polciy", Some(&fits), "ValidationError"),
        ("Version", Some("2010-01-01"), "InvalidAction"),
        ("Action", Some("GetFederationToken"), "InvalidAction"),
        ("Action", None, "MissingAction"),
    ] {
        let answer = cat.sts(with(assume(&double), name, value)).await;
        assert_eq!(answer.text("Code").as_deref(), Some(code), "{name} {value:?}");
    }
    let tagged = with(assume(&double), "Tags.member.1.Key", Some("k"));
    let answer = cat.sts(with(tagged.clone(), "Tags.member.1.Value", Some(&value))).await;
    assert_eq!(answer.error(), refused(400, "ValidationError"));
    let twice = with(tagged, "Tags.member.2.Key", Some("K"));
    assert_eq!(cat.sts(twice).await.error(), refused(400, "InvalidParameterValue"));
}

#[tokio::test]
async fn a_role_may_allow_longer_sessions_and_a_test_shorter_ones() {
    let (double, cat) = started().await;
    double.set("roles", &json!({"name": "lake", "max_session_duration": 43200})).unwrap();
    let lasting = |seconds: &str| with(assume(&double), "DurationSeconds", Some(seconds));

    assert_eq!(cat.sts(lasting("43200")).await.status, 200);
    assert_eq!(cat.sts(lasting("60")).await.status, 400);
    double.configure(|settings| settings.min_duration = 1);
    assert_eq!(cat.sts(lasting("60")).await.status, 200);
}

#[tokio::test]
async fn a_session_that_takes_a_role_gets_an_hour_at_most() {
    let (double, cat) = started().await;
    let first = "arn:aws:iam::444455556666:role/lake";
    let trust = trust(&json!({"AWS": first}), "sts:AssumeRole");
    let role = json!({"name": "next", "trust": trust, "max_session_duration": 43200});
    double.set("roles", &role).unwrap();
    let session = of_role(&double, &cat).await;
    let next = with(assume(&double), "RoleArn", Some("arn:aws:iam::444455556666:role/next"));

    assert_eq!(session.sts(next.clone()).await.status, 200);
    let long = with(next, "DurationSeconds", Some("3601"));
    let answer = session.sts(long).await;
    assert!(answer.text("Message").unwrap().contains("role chaining"), "{}", answer.body);
    let of_table = of_table(&double, &cat).await;
    let next = with(assume(&double), "RoleArn", Some("arn:aws:iam::444455556666:role/next"));
    assert_eq!(of_table.sts(next).await.error(), refused(403, "AccessDenied"));
}

#[tokio::test]
async fn everybody_may_ask_who_they_are() {
    let (double, cat) = started().await;
    let form = |action: &str| {
        vec![
            ("Action".to_owned(), action.to_owned()),
            ("Version".to_owned(), "2011-06-15".to_owned()),
        ]
    };
    double.set("users", &json!({"name": "cat", "account": "111122223333"})).unwrap();

    let answer = cat.sts(form("GetCallerIdentity")).await;
    assert_eq!(answer.text("Arn").unwrap(), double.user_arn);
    assert_eq!(answer.text("Account").unwrap(), "111122223333");
    let answer = of_table(&double, &cat).await.sts(form("GetCallerIdentity")).await;
    let arn = "arn:aws:sts::444455556666:assumed-role/lake/merak-test";
    assert_eq!(answer.text("Arn").unwrap(), arn);
    assert!(answer.text("UserId").unwrap().ends_with(":merak-test"));
    assert_eq!(double.counts().get("GetCallerIdentity"), Some(&2));
}
