use serde_json::{Value, json};

use super::document::Malformed;
use super::{Context, Kind, Policy, Question, Trust, Verdict};

fn verdict(policy: &Policy, action: &str, resource: &str, context: &Context) -> Verdict {
    policy.decide(Question { action, resource, context })
}

fn allowing(action: &str, resource: &str) -> Policy {
    let statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
    Policy::read(&json!({"Version": "2012-10-17", "Statement": [statement]}), Kind::Identity)
        .unwrap()
}

fn allows(policy: &Policy, action: &str, resource: &str) -> bool {
    verdict(policy, action, resource, &Context::default()) == Verdict::Allowed
}

#[test]
fn resources_match_as_iam_matches_them() {
    for (pattern, resource, expected) in [
        ("arn:aws:s3:::b/t/*", "arn:aws:s3:::b/t/x", true),
        ("arn:aws:s3:::b/t/*", "arn:aws:s3:::b/t/", true),
        ("arn:aws:s3:::b/t/*", "arn:aws:s3:::b/t", false),
        ("arn:aws:s3:::b/t/*", "arn:aws:s3:::b/t2/x", false),
        // What a policy without a path boundary gives away.
        ("arn:aws:s3:::b/t*", "arn:aws:s3:::b/t2/x", true),
        ("arn:aws:s3:::b/t/*", "arn:aws:s3:::b/T/x", false),
        ("arn:aws:s3:::b/t?/x", "arn:aws:s3:::b/t1/x", true),
        ("arn:aws:s3:::b/t?/x", "arn:aws:s3:::b/t/x", false),
        // Escapes are characters, not wildcards.
        ("arn:aws:s3:::b/a${*}/*", "arn:aws:s3:::b/a*/x", true),
        ("arn:aws:s3:::b/a${*}/*", "arn:aws:s3:::b/ab/x", false),
        ("arn:aws:s3:::b/a*/*", "arn:aws:s3:::b/ab/x", true),
        ("arn:aws:s3:::b/a${?}/*", "arn:aws:s3:::b/a?/x", true),
        ("arn:aws:s3:::b/a${?}/*", "arn:aws:s3:::b/ab/x", false),
        ("arn:aws:s3:::b/a${$}{*}/*", "arn:aws:s3:::b/a${x}/x", true),
        ("arn:aws:s3:::b/${$}/x", "arn:aws:s3:::b/$/x", true),
        ("arn:aws:s3:::b/$/x", "arn:aws:s3:::b/$/x", true),
        // A variable that nobody has is nothing.
        ("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/${aws:username}/x", false),
        ("arn:aws:s3:::b/*/c/*", "arn:aws:s3:::b/1/2/c/3", true),
        ("arn:aws:s3:::b/a:b/*", "arn:aws:s3:::b/a:b/c", true),
        ("arn:aws:s3:::*", "arn:aws:s3:::b/t", true),
        // A wildcard stays in its part of the ARN.
        ("arn:aws:s3*:::b/t", "arn:aws:s3:::b/t", true),
        ("arn:aws:*:::b/t", "arn:aws:iam::1:b/t", false),
        ("arn:aws-cn:s3:::b/t", "arn:aws:s3:::b/t", false),
        ("*", "arn:aws:s3:::b/t", true),
    ] {
        let policy = allowing("s3:GetObject", pattern);
        assert_eq!(allows(&policy, "s3:GetObject", resource), expected, "{pattern} {resource}");
    }
}

#[test]
fn actions_match_without_regard_to_case() {
    for (pattern, action, expected) in [
        ("s3:GetObject", "s3:GetObject", true),
        ("s3:getobject", "s3:GetObject", true),
        ("S3:Get*", "s3:GetObject", true),
        ("s3:GetObject", "s3:GetObjectVersion", false),
        ("s3:*", "sts:AssumeRole", false),
        ("s3:?etObject", "s3:GetObject", true),
        ("*", "sts:AssumeRole", true),
    ] {
        let policy = allowing(pattern, "*");
        assert_eq!(allows(&policy, action, "arn:aws:s3:::b/x"), expected, "{pattern} {action}");
    }
}

#[test]
fn an_old_document_knows_no_escapes() {
    let statement =
        json!({"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/a${*}/x"});
    let policy = Policy::read(&json!({"Statement": statement}), Kind::Identity).unwrap();

    assert!(!allows(&policy, "s3:GetObject", "arn:aws:s3:::b/a*/x"));
    assert!(allows(&policy, "s3:GetObject", "arn:aws:s3:::b/a${anything}/x"));
}

#[test]
fn a_denial_outweighs_what_is_allowed() {
    let policy = Policy::read(
        &json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "NotAction": "s3:DeleteObject", "Resource": "*"},
            {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::b/t/*"},
        ]}),
        Kind::Identity,
    )
    .unwrap();
    let context = Context::default();

    let inside = "arn:aws:s3:::b/t/x";
    assert_eq!(verdict(&policy, "s3:GetObject", inside, &context), Verdict::Allowed);
    assert_eq!(verdict(&policy, "s3:DeleteObject", inside, &context), Verdict::Silent);
    assert_eq!(verdict(&policy, "s3:GetObject", "arn:aws:s3:::b/u", &context), Verdict::Denied);
}

#[test]
fn conditions_hold_as_iam_says() {
    let one = |value: &str| Context::default().with("s3:prefix", value);
    let two = one("a/").with("s3:prefix", "z/");
    let none = Context::default();
    for (condition, context, expected) in [
        (json!({"StringLike": {"s3:prefix": ["t", "t/*"]}}), &one("t/"), true),
        (json!({"StringLike": {"s3:prefix": ["t", "t/*"]}}), &one("t/a"), true),
        (json!({"StringLike": {"s3:prefix": ["t", "t/*"]}}), &one("t"), true),
        (json!({"StringLike": {"s3:prefix": ["t", "t/*"]}}), &one("t2/"), false),
        (json!({"StringLike": {"s3:prefix": ["t", "t/*"]}}), &one(""), false),
        (json!({"StringLike": {"s3:prefix": ["t", "t/*"]}}), &none, false),
        (json!({"StringLike": {"s3:prefix": "a${*}/*"}}), &one("ab/"), false),
        (json!({"StringLike": {"s3:prefix": "a${*}/*"}}), &one("a*/"), true),
        (json!({"StringLikeIfExists": {"s3:prefix": "t/*"}}), &none, true),
        (json!({"StringEquals": {"S3:Prefix": "t/*"}}), &one("t/a"), false),
        (json!({"StringEquals": {"S3:Prefix": "t/"}}), &one("t/"), true),
        (json!({"StringEqualsIgnoreCase": {"s3:prefix": "T/"}}), &one("t/"), true),
        (json!({"StringNotLike": {"s3:prefix": "t/*"}}), &one("t/a"), false),
        (json!({"StringNotLike": {"s3:prefix": "t/*"}}), &none, true),
        (json!({"ForAnyValue:StringLike": {"s3:prefix": "z*"}}), &two, true),
        (json!({"ForAnyValue:StringLike": {"s3:prefix": "z*"}}), &none, false),
        (json!({"ForAllValues:StringLike": {"s3:prefix": "z*"}}), &two, false),
        (json!({"ForAllValues:StringLike": {"s3:prefix": "z*"}}), &none, true),
        (json!({"Null": {"s3:prefix": "true"}}), &none, true),
        (json!({"Null": {"s3:prefix": "true"}}), &one(""), false),
        (json!({"Bool": {"s3:prefix": true}}), &one("true"), true),
        (json!({"NumericLessThanEquals": {"s3:prefix": 10}}), &one("10"), true),
        (json!({"NumericLessThan": {"s3:prefix": "10"}}), &one("10"), false),
        (
            json!({"StringLike": {"s3:prefix": "t/*"}, "StringEquals": {"aws:x": "y"}}),
            &one("t/"),
            false,
        ),
    ] {
        let statement = json!(
            {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": condition}
        );
        let document = json!({"Version": "2012-10-17", "Statement": statement});
        let policy = Policy::read(&document, Kind::Identity).unwrap();
        let allowed = verdict(&policy, "s3:ListBucket", "arn:aws:s3:::b", context);
        assert_eq!(allowed == Verdict::Allowed, expected, "{condition} {context:?}");
    }
}

#[test]
fn a_trust_policy_names_somebody_or_their_account() {
    let trust = |principal: Value, effect: &str| {
        let statement = json!({
            "Effect": effect,
            "Principal": principal,
            "Action": ["sts:AssumeRole"],
            "Condition": {"StringEquals": {"sts:ExternalId": "e"}},
        });
        let document = json!({"Version": "2012-10-17", "Statement": [statement]});
        Policy::read(&document, Kind::Trust).unwrap()
    };
    let context = Context::default().with("sts:ExternalId", "e");
    let arns = ["arn:aws:iam::111122223333:user/cat".to_owned()];
    let ask = |policy: &Policy, action: &str, context: &Context| {
        policy.trusts(Question { action, resource: "", context }, "111122223333", &arns)
    };
    let ask_role = |policy: &Policy| ask(policy, "sts:AssumeRole", &context);

    let cat = trust(json!({"AWS": arns[0]}), "Allow");
    assert_eq!(ask_role(&cat), Trust::Named);
    assert_eq!(ask(&cat, "sts:TagSession", &context), Trust::Silent);
    assert_eq!(ask(&cat, "sts:AssumeRole", &Context::default()), Trust::Silent);
    let other = Context::default().with("sts:ExternalId", "E");
    assert_eq!(ask(&cat, "sts:AssumeRole", &other), Trust::Silent);
    assert_eq!(ask_role(&trust(json!({"AWS": "111122223333"}), "Allow")), Trust::ByAccount);
    let root = json!({"AWS": ["arn:aws:iam::111122223333:root"]});
    assert_eq!(ask_role(&trust(root.clone(), "Allow")), Trust::ByAccount);
    assert_eq!(ask_role(&trust(root, "Deny")), Trust::Denied);
    assert_eq!(ask_role(&trust(json!("*"), "Allow")), Trust::Named);
    let nobody = json!({"Service": "ec2.amazonaws.com", "AWS": "arn:aws:iam::1:user/cat"});
    assert_eq!(ask_role(&trust(nobody, "Allow")), Trust::Silent);
}

#[test]
fn what_is_no_policy_is_refused() {
    let statement = |change: &dyn Fn(&mut Value)| {
        let mut statement =
            json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"});
        change(&mut statement);
        json!({"Version": "2012-10-17", "Statement": [statement]})
    };
    Policy::read(&statement(&|_| {}), Kind::Identity).unwrap();
    for document in [
        json!([]),
        json!({}),
        json!({"Version": "2012-10-17", "Statement": []}),
        json!({"Version": "2020-01-01", "Statement": statement(&|_| {})["Statement"]}),
        json!({"Version": "2012-10-17", "Statements": []}),
        statement(&|one| one["Effect"] = json!("allow")),
        statement(&|one| one["Action"] = json!([])),
        statement(&|one| one["Action"] = json!("GetObject")),
        statement(&|one| one["Action"] = json!("s3:Get Object")),
        statement(&|one| one["NotAction"] = json!("s3:GetObject")),
        statement(&|one| one["Resource"] = json!([])),
        statement(&|one| one["Resource"] = json!("b/*")),
        statement(&|one| one["Resource"] = json!("arn:aws:s3")),
        statement(&|one| one["Resource"] = json!("arn:aws:s3:::b/${*")),
        statement(&|one| one["Resource"] = json!("")),
        statement(&|one| one["Principal"] = json!("*")),
        statement(&|one| one["Sid"] = json!("not alphanumeric")),
        statement(&|one| one["Condition"] = json!({"StringAlmost": {"s3:prefix": "x"}})),
        statement(&|one| one["Condition"] = json!({"ForOne:StringLike": {"s3:prefix": "x"}})),
        statement(&|one| one["Condition"] = json!({"StringLike": {"s3:prefix": []}})),
        statement(&|one| one["Condition"] = json!({"StringLike": "s3:prefix"})),
    ] {
        assert!(Policy::read(&document, Kind::Identity).is_err(), "{document}");
    }
    let json = Policy::parse("{", Kind::Identity).unwrap_err();
    assert_eq!(json, Malformed("This policy contains invalid Json".to_owned()));
    let twice = json!({"Sid": "a", "Effect": "Allow", "Action": "*", "Resource": "*"});
    let twice = json!({"Version": "2012-10-17", "Statement": [twice, twice]});
    assert!(Policy::read(&twice, Kind::Identity).is_err());
    let trust = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::111122223333:user/*"}}});
    assert!(Policy::read(&trust, Kind::Trust).is_err());
}
