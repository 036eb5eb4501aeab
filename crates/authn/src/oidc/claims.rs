//! What a token says, and whether that makes it good now and here.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Audience;

/// How far ahead of our clock a token may say it was issued, beside what clocks may differ by. One
/// from further ahead was made by somebody whose word on its end is worth nothing either.
const MAX_AHEAD_S: i64 = 60;

/// What a token says.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Claims(Map<String, Value>);

/// What it must say.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    /// Who issued it; nothing, if anybody may.
    pub(super) issuer: Option<&'a str>,
    /// For whom.
    pub(super) audience: &'a Audience,
    /// By how many seconds clocks may differ.
    pub(super) leeway_s: i64,
}

impl Claims {
    /// The second from which on it is not good any more; or why it is not good now.
    pub(super) fn good_until(
        &self,
        expected: &Expected<'_>,
        now_s: i64,
    ) -> Result<i64, &'static str> {
        let issuer = self.0.get("iss").and_then(Value::as_str);
        if expected.issuer.is_some() && issuer != expected.issuer {
            return Err("another issuer's");
        }
        if !self.is_for(expected.audience) {
            return Err("for another audience");
        }
        let leeway_s = expected.leeway_s;
        let until_s = self.time("exp")?.ok_or("without an expiry")?.saturating_add(leeway_s);
        if now_s >= until_s {
            return Err("expired");
        }
        let is_ahead_of = |time: Option<i64>, latest| time.is_some_and(|time| time > latest);
        let latest_s = now_s.saturating_add(leeway_s);
        if is_ahead_of(self.time("nbf")?, latest_s) {
            return Err("not good yet");
        }
        if is_ahead_of(self.time("iat")?, latest_s.saturating_add(MAX_AHEAD_S)) {
            return Err("issued in the future");
        }
        Ok(until_s)
    }

    fn is_for(&self, audience: &Audience) -> bool {
        let Audience::OneOf(expected) = audience else {
            return true;
        };
        let is_expected = |one: &Value| {
            one.as_str().is_some_and(|one| expected.iter().any(|expected| expected == one))
        };
        match self.0.get("aud") {
            Some(Value::Array(several)) => several.iter().any(is_expected),
            Some(one) => is_expected(one),
            None => false,
        }
    }

    /// A time, which may have a fraction that does not count.
    fn time(&self, name: &str) -> Result<Option<i64>, &'static str> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a time beyond all numbers is the end of time"
        )]
        let whole = |value: &Value| value.as_i64().or(value.as_f64().map(|time| time as i64));
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => whole(value).map(Some).ok_or("with a time that is no number"),
        }
    }
}

/// Shows the values of what is compared, and of the rest, which tell of people, the names.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Claims");
        for name in ["iss", "aud", "exp", "nbf", "iat"] {
            if let Some(value) = self.0.get(name) {
                shown.field(name, &format_args!("{value}"));
            }
        }
        shown.field("names", &self.0.keys().collect::<Vec<_>>()).finish()
    }
}

/// Where a claim is: the names on the way to it, from the outermost object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath(Vec<String>);

/// Why a text is no such path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClaimPath {
    /// Two slashes are next to each other, or one is at an end.
    #[error("has an empty name in it: names are separated by single slashes")]
    EmptyName,
    /// A quote is open at the end.
    #[error("has a quote that nothing closes")]
    OpenQuote,
}

impl ClaimPath {
    /// Reads a path as Polaris writes it: names between slashes, in quotes if they have slashes
    /// themselves; `\"` is a quote of the name's own.
    pub fn parse(text: &str) -> Result<Self, InvalidClaimPath> {
        let mut names = Vec::new();
        let mut name = String::new();
        let mut is_quoted = false;
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '\\' if rest.next_if_eq(&'"').is_some() => name.push('"'),
                '"' => is_quoted = !is_quoted,
                '/' if !is_quoted => names.push(std::mem::take(&mut name)),
                _ => name.push(c),
            }
        }
        names.push(name);
        if is_quoted {
            Err(InvalidClaimPath::OpenQuote)
        } else if names.iter().any(String::is_empty) {
            Err(InvalidClaimPath::EmptyName)
        } else {
            Ok(Self(names))
        }
    }

    /// The path of these names.
    pub(super) fn of(names: &[&str]) -> Self {
        Self(names.iter().map(|&name| name.to_owned()).collect())
    }

    /// What is there.
    pub(super) fn find<'a>(&self, claims: &'a Claims) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        let claim = rest.iter().try_fold(claims.0.get(first)?, |value, name| value.get(name))?;
        (!claim.is_null()).then_some(claim)
    }
}

#[cfg(test)]
impl Claims {
    pub(super) fn from_json(json: Value) -> Self {
        let Value::Object(claims) = json else { panic!("no object: {json}") };
        Self(claims)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW_S: i64 = 1_700_000_000;

    fn good() -> Value {
        json!({"iss": "https://a", "aud": "merak", "exp": NOW_S + 60, "iat": NOW_S})
    }

    fn judged(changes: &Value, leeway_s: i64) -> Result<i64, &'static str> {
        let mut claims = Claims::from_json(good());
        for (name, value) in changes.as_object().unwrap().clone() {
            claims.0.insert(name, value);
        }
        let audience = Audience::OneOf(vec!["merak".into(), "lake".into()]);
        let expected = Expected { issuer: Some("https://a"), audience: &audience, leeway_s };
        claims.good_until(&expected, NOW_S)
    }

    #[test]
    fn a_token_is_good_until_its_end_and_what_clocks_may_differ_by() {
        assert_eq!(judged(&json!({}), 0), Ok(NOW_S + 60));
        assert_eq!(judged(&json!({"exp": NOW_S}), 0), Err("expired"));
        assert_eq!(judged(&json!({"exp": NOW_S}), 1), Ok(NOW_S + 1));
        assert_eq!(judged(&json!({"exp": NOW_S - 5}), 5), Err("expired"));
        assert_eq!(judged(&json!({"exp": 1.7e9 + 0.9}), 0), Err("expired"));
        assert_eq!(judged(&json!({"exp": 1.7e9 + 1.9}), 0), Ok(NOW_S + 1));
        assert_eq!(judged(&json!({"exp": 1e300}), 5), Ok(i64::MAX));
        assert_eq!(judged(&json!({"exp": null}), 0), Err("without an expiry"));
        for no_time in [json!("tomorrow"), json!("1900000000"), json!([NOW_S]), json!(true)] {
            let reason = judged(&json!({"exp": no_time}), 0);
            assert_eq!(reason, Err("with a time that is no number"), "{no_time}");
        }
    }

    #[test]
    fn a_token_is_not_good_before_its_time_and_not_from_the_far_future() {
        assert!(judged(&json!({"nbf": NOW_S}), 0).is_ok());
        assert_eq!(judged(&json!({"nbf": NOW_S + 1}), 0), Err("not good yet"));
        assert!(judged(&json!({"nbf": NOW_S + 1}), 1).is_ok());
        assert_eq!(judged(&json!({"nbf": "0"}), 0), Err("with a time that is no number"));

        assert!(judged(&json!({"iat": NOW_S + 60}), 0).is_ok());
        assert_eq!(judged(&json!({"iat": NOW_S + 61}), 0), Err("issued in the future"));
        assert!(judged(&json!({"iat": NOW_S + 61}), 1).is_ok());
        assert!(judged(&json!({"iat": null}), 0).is_ok());
    }

    #[test]
    fn the_issuer_is_compared_letter_by_letter() {
        for other in [json!("https://a/"), json!("https://A"), json!(["https://a"]), json!(null)] {
            assert_eq!(judged(&json!({"iss": other}), 0), Err("another issuer's"), "{other}");
        }
    }

    #[test]
    fn the_audience_is_one_of_those_expected() {
        for good in [json!("lake"), json!(["account", "merak"]), json!([1, "merak"])] {
            assert!(judged(&json!({"aud": good}), 0).is_ok(), "{good}");
        }
        for bad in [json!("account"), json!([]), json!(null), json!("merak lake"), json!({})] {
            assert_eq!(judged(&json!({"aud": bad}), 0), Err("for another audience"), "{bad}");
        }
    }

    #[test]
    fn what_need_not_be_checked_is_not() {
        let claims = Claims::from_json(json!({"exp": NOW_S + 1}));
        let anything = Expected { issuer: None, audience: &Audience::Any, leeway_s: 0 };

        assert_eq!(claims.good_until(&anything, NOW_S), Ok(NOW_S + 1));
    }

    #[test]
    fn claims_are_found_by_the_names_on_the_way() {
        let claims = Claims::from_json(json!({
            "a": {"b": {"c": 1}},
            "https://example.com/roles": {"x/y": 2},
            "a/b": 3,
            "say \"hi\"": 4,
            "nothing": null,
        }));
        for (path, found) in [
            ("a/b/c", Some(1)),
            ("\"https://example.com/roles\"/\"x/y\"", Some(2)),
            ("\"a/b\"", Some(3)),
            ("say \\\"hi\\\"", Some(4)),
            ("nothing", None),
            ("a/x/c", None),
            ("a/b/c/d", None),
            ("z", None),
        ] {
            let value = ClaimPath::parse(path).unwrap().find(&claims).and_then(Value::as_i64);
            assert_eq!(value, found, "{path}");
        }
    }

    #[test]
    fn malformed_paths_are_refused() {
        for path in ["", "/", "/a", "a/", "a//b", "\"\""] {
            assert_eq!(ClaimPath::parse(path), Err(InvalidClaimPath::EmptyName), "{path}");
        }
        assert_eq!(ClaimPath::parse("a/\"b/c"), Err(InvalidClaimPath::OpenQuote));
    }

    #[test]
    fn names_of_claims_are_shown_and_values_that_tell_of_people_are_not() {
        let claims = Claims::from_json(json!({"iss": "https://a", "email": "anna@example.com"}));

        let shown = format!("{claims:?}");

        assert!(shown.contains("https://a") && shown.contains("email"), "{shown}");
        assert!(!shown.contains("anna"), "{shown}");
    }
}
