//! What AWS makes of a policy, written from IAM's documentation and not from the code under test.

use serde_json::{Map, Value};

/// A call that a policy is asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    /// The context key `s3:prefix`, which only lists with a prefix have.
    pub(super) prefix: Option<&'a str>,
}

/// A policy as STS would take it.
#[derive(Debug)]
pub(super) struct Policy {
    statements: Vec<Value>,
}

impl Policy {
    /// Reads a policy as strictly as STS does.
    pub(super) fn parse(text: &str) -> Self {
        let sendable = |c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}');
        assert!(text.chars().all(sendable), "STS refuses a character of {text}");
        assert!(text.chars().count() <= 2048, "STS refuses the length of {text}");
        let document: Map<String, Value> = serde_json::from_str(text).unwrap();
        assert_eq!(document.len(), 2, "{text}");
        assert_eq!(document["Version"], "2012-10-17", "{text}");
        let statements = document["Statement"].as_array().unwrap().clone();
        assert!(!statements.is_empty(), "STS refuses a policy that says nothing");
        for statement in &statements {
            for (key, value) in statement.as_object().unwrap() {
                match key.as_str() {
                    "Effect" => assert!(["Allow", "Deny"].contains(&value.as_str().unwrap())),
                    "Action" | "Resource" => assert!(!values(value).is_empty(), "{text}"),
                    "Condition" => {}
                    key => panic!("IAM knows no {key}"),
                }
            }
        }
        Self { statements }
    }

    /// What is not allowed is denied, and what is denied stays so.
    pub(super) fn allows(&self, call: Call<'_>) -> bool {
        let says = |effect: &str| {
            let mut effective = self.statements.iter().filter(|one| one["Effect"] == effect);
            effective.any(|statement| applies(statement, call))
        };
        says("Allow") && !says("Deny")
    }
}

fn applies(statement: &Value, call: Call<'_>) -> bool {
    let action = |pattern: &str| {
        matches(&tokens_of(&pattern.to_lowercase(), false), &call.action.to_lowercase())
    };
    let resource = |pattern: &str| matches(&tokens_of(pattern, true), call.resource);
    values(&statement["Action"]).into_iter().any(action)
        && values(&statement["Resource"]).into_iter().any(resource)
        && statement.get("Condition").is_none_or(|all| {
            all.as_object().unwrap().iter().all(|(name, one)| holds(name, one, call))
        })
}

fn holds(operator: &str, keys: &Value, call: Call<'_>) -> bool {
    keys.as_object().unwrap().iter().all(|(key, wanted)| {
        assert_eq!(key, "s3:prefix", "no other key is in the context");
        // A key that is not in the context fails the condition.
        let Some(actual) = call.prefix else { return false };
        values(wanted).into_iter().any(|pattern| match operator {
            "StringEquals" => literal(&tokens_of(pattern, true)) == actual,
            "StringLike" => matches(&tokens_of(pattern, true), actual),
            operator => panic!("{operator} is not known here"),
        })
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    One(char),
    AnyOne,
    Any,
    /// A variable that has no value in the call: what holds it matches nothing.
    Never,
}

fn tokens_of(pattern: &str, has_variables: bool) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        if has_variables
            && let Some(after) = rest.strip_prefix("${")
            && let Some((name, after)) = after.split_once('}')
        {
            tokens.push(match name {
                "*" => Token::One('*'),
                "?" => Token::One('?'),
                "$" => Token::One('$'),
                _ => Token::Never,
            });
            rest = after;
            continue;
        }
        tokens.push(match c {
            '*' => Token::Any,
            '?' => Token::AnyOne,
            c => Token::One(c),
        });
        rest = &rest[c.len_utf8()..];
    }
    tokens
}

/// Where wildcards have no meaning.
fn literal(tokens: &[Token]) -> String {
    let character = |token: &Token| match token {
        Token::One(c) => *c,
        Token::AnyOne => '?',
        Token::Any => '*',
        Token::Never => '\0',
    };
    tokens.iter().map(character).collect()
}

fn matches(pattern: &[Token], text: &str) -> bool {
    // Which places of the pattern may be reached after so much of the text.
    let mut reached = vec![false; pattern.len() + 1];
    reached[0] = true;
    let skip_stars = |reached: &mut Vec<bool>| {
        for (at, token) in pattern.iter().enumerate() {
            reached[at + 1] |= reached[at] && *token == Token::Any;
        }
    };
    skip_stars(&mut reached);
    for c in text.chars() {
        let mut next = vec![false; pattern.len() + 1];
        for (at, token) in pattern.iter().enumerate().filter(|(at, _)| reached[*at]) {
            match token {
                Token::Any => next[at] = true,
                Token::AnyOne => next[at + 1] = true,
                Token::One(one) => next[at + 1] |= *one == c,
                Token::Never => {}
            }
        }
        skip_stars(&mut next);
        reached = next;
    }
    reached[pattern.len()]
}

fn values(value: &Value) -> Vec<&str> {
    match value {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().map(|one| one.as_str().unwrap()).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            panic!("{value} is neither a text nor a list")
        }
    }
}

#[test]
fn the_evaluator_knows_wildcards_and_variables() {
    let policy = Policy::parse(
        r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":["s3:Get*"],"Resource":"arn:aws:s3:::b/a${*}c/?/*"},
            {"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::b/${aws:username}/*"]},
            {"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::b/a${*}c/d/secret*"}]}"#,
    );
    let allows = |action: &str, key: &str| {
        let resource = format!("arn:aws:s3:::b/{key}");
        policy.allows(Call { action, resource: &resource, prefix: None })
    };

    assert!(allows("s3:GetObject", "a*c/d/e"));
    assert!(allows("s3:GetObject", "a*c/d/"));
    assert!(!allows("s3:GetObject", "abc/d/e"));
    assert!(!allows("s3:GetObject", "a*c/dd/e"));
    assert!(!allows("s3:PutObject", "a*c/d/e"));
    assert!(!allows("s3:GetObject", "a*c/d/secrets"));
    assert!(!allows("s3:GetObject", "${aws:username}/x"));
}

#[test]
fn the_evaluator_fails_conditions_on_what_is_not_said() {
    let policy = Policy::parse(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket",
            "Resource":"arn:aws:s3:::b","Condition":{"StringLike":{"s3:prefix":["t/*"]}}}]}"#,
    );
    let allows = |prefix| {
        policy.allows(Call { action: "s3:ListBucket", resource: "arn:aws:s3:::b", prefix })
    };

    assert!(allows(Some("t/")) && allows(Some("t/x")));
    assert!(!allows(None) && !allows(Some("")) && !allows(Some("t")) && !allows(Some("tx/")));
}
