//! Conditions of a statement.

use serde_json::Value;

use super::Context;
use super::document::{Malformed, texts};
use super::pattern::{Pattern, Reading};

/// One operator on one key.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    key: String,
    test: Test,
    /// Which of the request's values must pass.
    over: Over,
    /// `..IfExists`: holds where the request has no such key.
    if_exists: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    One,
    AnyValue,
    AllValues,
}

#[derive(Debug, Clone)]
enum Test {
    /// `StringEquals`, `StringLike`, `ArnEquals`, `ArnLike`.
    Like(Vec<Pattern>),
    /// `StringNotEquals` and so on.
    NotLike(Vec<Pattern>),
    /// `StringEqualsIgnoreCase`; values in lower case.
    SameLetters(Vec<String>),
    NotSameLetters(Vec<String>),
    Bool(bool),
    /// Whether the key is absent.
    Absent(bool),
    Number(Comparison, Vec<f64>),
}

#[derive(Debug, Clone, Copy)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    /// Reads one key of one operator.
    pub(crate) fn parse(
        operator: &str,
        key: &str,
        values: &Value,
        variables: bool,
    ) -> Result<Self, Malformed> {
        let values = texts(values, "Condition")?;
        let (over, name) = match operator.split_once(':') {
            Some(("ForAnyValue", name)) => (Over::AnyValue, name),
            Some(("ForAllValues", name)) => (Over::AllValues, name),
            Some(_) => return Err(unknown(operator)),
            None => (Over::One, operator),
        };
        let (name, if_exists) =
            name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
        let patterns = |wildcards| {
            let reading = Reading { wildcards, variables };
            let parsed = values.iter().map(|value| Pattern::parse(value, reading));
            parsed.collect::<Result<Vec<_>, _>>().map_err(Malformed::syntax)
        };
        let lower = || values.iter().map(|value| value.to_lowercase()).collect();
        let test = match name {
            "StringEquals" => Test::Like(patterns(false)?),
            "StringNotEquals" => Test::NotLike(patterns(false)?),
            "StringLike" | "ArnLike" | "ArnEquals" => Test::Like(patterns(true)?),
            "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => Test::NotLike(patterns(true)?),
            "StringEqualsIgnoreCase" => Test::SameLetters(lower()),
            "StringNotEqualsIgnoreCase" => Test::NotSameLetters(lower()),
            "Bool" => Test::Bool(truth(&values)?),
            "Null" => Test::Absent(truth(&values)?),
            "NumericEquals" => Test::Number(Comparison::Equal, numbers(&values)?),
            "NumericLessThan" => Test::Number(Comparison::Less, numbers(&values)?),
            "NumericLessThanEquals" => Test::Number(Comparison::LessOrEqual, numbers(&values)?),
            "NumericGreaterThan" => Test::Number(Comparison::Greater, numbers(&values)?),
            "NumericGreaterThanEquals" => {
                Test::Number(Comparison::GreaterOrEqual, numbers(&values)?)
            }
            _ => return Err(unknown(operator)),
        };
        if key.is_empty() {
            return Err(Malformed::syntax("a condition has no key"));
        }
        Ok(Self { key: key.to_lowercase(), test, over, if_exists })
    }

    /// Whether it holds for a request.
    pub(crate) fn holds(&self, context: &Context) -> bool {
        let values = context.all(&self.key);
        if let Test::Absent(absent) = self.test {
            return values.is_empty() == absent;
        }
        if values.is_empty() {
            return self.if_exists || self.over == Over::AllValues || self.holds_without();
        }
        let mut each = values.iter().map(|value| self.test.passes(value, context));
        match self.over {
            Over::AllValues => each.all(|passes| passes),
            Over::One | Over::AnyValue => each.any(|passes| passes),
        }
    }

    /// An operator that says what must not be holds where nothing is.
    fn holds_without(&self) -> bool {
        match self.test {
            Test::NotLike(_) | Test::NotSameLetters(_) => self.over == Over::One,
            Test::Like(_)
            | Test::SameLetters(_)
            | Test::Bool(_)
            | Test::Absent(_)
            | Test::Number(..) => false,
        }
    }
}

impl Test {
    fn passes(&self, value: &str, context: &Context) -> bool {
        let like = |patterns: &[Pattern]| patterns.iter().any(|one| one.matches(value, context));
        let same = |wanted: &[String]| wanted.contains(&value.to_lowercase());
        match self {
            Self::Like(patterns) => like(patterns),
            Self::NotLike(patterns) => !like(patterns),
            Self::SameLetters(wanted) => same(wanted),
            Self::NotSameLetters(wanted) => !same(wanted),
            Self::Bool(wanted) => {
                value.eq_ignore_ascii_case(if *wanted { "true" } else { "false" })
            }
            Self::Absent(_) => false,
            Self::Number(comparison, wanted) => value
                .parse()
                .is_ok_and(|value: f64| wanted.iter().any(|one| comparison.holds(value, *one))),
        }
    }
}

impl Comparison {
    fn holds(self, value: f64, wanted: f64) -> bool {
        let order = value.partial_cmp(&wanted);
        order.is_some_and(|order| match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        })
    }
}

fn unknown(operator: &str) -> Malformed {
    Malformed::syntax(format!("Invalid Condition type : {operator}."))
}

fn truth(values: &[String]) -> Result<bool, Malformed> {
    match values {
        [one] if one == "true" => Ok(true),
        [one] if one == "false" => Ok(false),
        _ => Err(Malformed::syntax("a condition wants true or false")),
    }
}

fn numbers(values: &[String]) -> Result<Vec<f64>, Malformed> {
    let parsed = values.iter().map(|value| value.parse::<f64>());
    parsed.collect::<Result<_, _>>().map_err(|_| Malformed::syntax("a condition wants numbers"))
}
