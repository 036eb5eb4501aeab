//! What a value may look like: durations, sizes, lists.

use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderName;
use secrecy::SecretString;
use tracing::level_filters::LevelFilter;

/// A way to write values.
pub(super) trait Format {
    /// What the text means.
    type Value;
    /// What is expected, as it goes on after "is not".
    const EXPECTED: &'static str;
    /// Whether the text may never be shown.
    const IS_SECRET: bool = false;

    /// Reads a value, or says what is wrong in words that go on after the value.
    fn parse(text: &str) -> Result<Self::Value, String>;
}

/// The general complaint about a text that is not of this format.
pub(super) fn not<F: Format>() -> String {
    format!("is not {}", F::EXPECTED)
}

/// Any text but a blank one.
#[derive(Debug)]
pub(super) struct Text;

/// `true` or `false`.
#[derive(Debug)]
pub(super) struct Boolean;

/// A TCP port; 0 takes any that is free.
#[derive(Debug)]
pub(super) struct Port;

/// A whole number from 1 up.
#[derive(Debug)]
pub(super) struct Count;

/// A whole number that may be 0.
pub(super) struct Amount;

/// A size in bytes.
#[derive(Debug)]
pub(super) struct Bytes;

/// A duration, which may be 0.
#[derive(Debug)]
pub(super) struct Span;

/// A duration longer than 0.
#[derive(Debug)]
pub(super) struct PositiveSpan;

/// A path, relative to the working directory.
#[derive(Debug)]
pub(super) struct FilePath;

/// A text that is never shown, taken with the blanks around it.
#[derive(Debug)]
pub(super) struct Secret;

/// Texts with commas between.
#[derive(Debug)]
pub(super) struct Texts;

/// A log level, under any name that Quarkus has for it.
#[derive(Debug)]
pub(super) struct Level;

/// The name of an HTTP header.
#[derive(Debug)]
pub(super) struct Header;

/// A value that need not be there.
#[derive(Debug)]
pub(super) struct Optional<F>(PhantomData<F>);

impl Format for Text {
    type Value = String;
    const EXPECTED: &'static str = "a text";

    fn parse(text: &str) -> Result<String, String> {
        if text.is_empty() { Err(not::<Self>()) } else { Ok(text.to_owned()) }
    }
}

impl Format for Boolean {
    type Value = bool;
    const EXPECTED: &'static str = "`true` or `false`";

    fn parse(text: &str) -> Result<bool, String> {
        text.to_ascii_lowercase().parse().map_err(|_| not::<Self>())
    }
}

impl Format for Port {
    type Value = u16;
    const EXPECTED: &'static str = "a port from 0 to 65535";

    fn parse(text: &str) -> Result<u16, String> {
        text.parse().map_err(|_| not::<Self>())
    }
}

impl Format for Count {
    type Value = usize;
    const EXPECTED: &'static str = "a whole number from 1 up";

    fn parse(text: &str) -> Result<usize, String> {
        text.parse().ok().filter(|count| *count > 0).ok_or_else(not::<Self>)
    }
}

impl Format for Amount {
    type Value = usize;
    const EXPECTED: &'static str = "a whole number, or 0";

    fn parse(text: &str) -> Result<usize, String> {
        text.parse().map_err(|_| not::<Self>())
    }
}

impl Format for Bytes {
    type Value = usize;
    const EXPECTED: &'static str = "a size such as `1048576`, `10240K`, `10M` or `1G`";

    fn parse(text: &str) -> Result<usize, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let shift = match &text[digits.len()..] {
            "" => 0,
            "K" | "k" => 10,
            "M" | "m" => 20,
            "G" | "g" => 30,
            "T" | "t" => 40,
            _ => return Err(not::<Self>()),
        };
        let number: usize = digits.parse().map_err(|_| not::<Self>())?;
        number.checked_mul(1 << shift).ok_or_else(not::<Self>)
    }
}

impl Format for Span {
    type Value = Duration;
    const EXPECTED: &'static str = "a duration such as `PT1H`, `P1D`, `5000ms` or `10s`";

    fn parse(text: &str) -> Result<Duration, String> {
        duration(&text.to_ascii_uppercase()).ok_or_else(not::<Self>)
    }
}

impl Format for PositiveSpan {
    type Value = Duration;
    const EXPECTED: &'static str =
        "a duration longer than 0 such as `PT1H`, `P1D`, `5000ms` or `10s`";

    fn parse(text: &str) -> Result<Duration, String> {
        let parsed = duration(&text.to_ascii_uppercase());
        parsed.filter(|duration| !duration.is_zero()).ok_or_else(not::<Self>)
    }
}

impl Format for FilePath {
    type Value = PathBuf;
    const EXPECTED: &'static str = "a path";

    fn parse(text: &str) -> Result<PathBuf, String> {
        Text::parse(text).map(PathBuf::from)
    }
}

impl Format for Secret {
    type Value = SecretString;
    const EXPECTED: &'static str = "a secret text";
    const IS_SECRET: bool = true;

    fn parse(text: &str) -> Result<SecretString, String> {
        Ok(text.into())
    }
}

impl Format for Texts {
    type Value = Vec<String>;
    const EXPECTED: &'static str = "a list with commas between";

    fn parse(text: &str) -> Result<Vec<String>, String> {
        Ok(text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect())
    }
}

impl Format for Level {
    type Value = LevelFilter;
    const EXPECTED: &'static str =
        "a log level: `OFF`, `ERROR`, `WARN`, `INFO`, `DEBUG`, `TRACE` or `ALL`";

    fn parse(text: &str) -> Result<LevelFilter, String> {
        match text.to_ascii_uppercase().as_str() {
            "OFF" => Ok(LevelFilter::OFF),
            "FATAL" | "ERROR" | "SEVERE" => Ok(LevelFilter::ERROR),
            "WARN" | "WARNING" => Ok(LevelFilter::WARN),
            "INFO" | "CONFIG" => Ok(LevelFilter::INFO),
            "DEBUG" | "FINE" => Ok(LevelFilter::DEBUG),
            "TRACE" | "FINER" | "FINEST" | "ALL" => Ok(LevelFilter::TRACE),
            _ => Err(not::<Self>()),
        }
    }
}

impl Format for Header {
    type Value = HeaderName;
    const EXPECTED: &'static str = "the name of an HTTP header";

    fn parse(text: &str) -> Result<HeaderName, String> {
        text.parse().map_err(|_| not::<Self>())
    }
}

impl<F: Format> Format for Optional<F> {
    type Value = Option<F::Value>;
    const EXPECTED: &'static str = F::EXPECTED;
    const IS_SECRET: bool = F::IS_SECRET;

    fn parse(text: &str) -> Result<Option<F::Value>, String> {
        if text.is_empty() { Ok(None) } else { F::parse(text).map(Some) }
    }
}

/// Reads a duration in upper case: seconds, Quarkus' short forms, or ISO 8601.
fn duration(text: &str) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_secs);
    }
    if let Some(millis) = text.strip_suffix("MS") {
        return unsigned(millis).map(Duration::from_millis);
    }
    match text.strip_prefix('P') {
        Some(iso) => {
            let (date, time) = iso.split_once('T').unwrap_or((iso, ""));
            let is_empty = iso.is_empty() || iso.ends_with('T');
            (!is_empty).then_some(())?;
            parts(date, &[('D', 86_400)])?.checked_add(parts(time, TIME_UNITS)?)
        }
        None if text.is_empty() => None,
        None => match text.strip_suffix('D') {
            Some(days) => unsigned(days)?.checked_mul(86_400).map(Duration::from_secs),
            None => parts(text, TIME_UNITS),
        },
    }
}

const TIME_UNITS: &[(char, u64)] = &[('H', 3600), ('M', 60), ('S', 1)];

/// Adds up numbers with units, each unit at most once and in the order given.
fn parts(mut text: &str, units: &[(char, u64)]) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    for (unit, seconds) in units {
        let Some((number, rest)) = text.split_once(*unit) else { continue };
        let part = match number.split_once('.') {
            Some((whole, fraction)) if *unit == 'S' => {
                Duration::new(unsigned(whole)?, nanoseconds(fraction)?)
            }
            _ => Duration::from_secs(unsigned(number)?.checked_mul(*seconds)?),
        };
        sum = sum.checked_add(part)?;
        text = rest;
    }
    text.is_empty().then_some(sum)
}

fn unsigned(digits: &str) -> Option<u64> {
    // `parse` would take a sign too.
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn nanoseconds(fraction: &str) -> Option<u32> {
    (fraction.len() <= 9).then_some(())?;
    u32::try_from(unsigned(&format!("{fraction:0<9}"))?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_both_notations() {
        let good = [
            ("PT1H", 3_600_000),
            ("P1D", 86_400_000),
            ("p1dt2h3m4.5s", 93_784_500),
            ("PT0S", 0),
            ("5000ms", 5_000),
            ("10s", 10_000),
            ("15m", 900_000),
            ("1h", 3_600_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("30", 30_000),
        ];
        for (text, millis) in good {
            assert_eq!(Span::parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "P",
            "PT",
            "P1DT",
            "-PT1S",
            "PT-1S",
            "1 h",
            "+5",
            "1x",
            "S",
            "PT1S1H",
            "ms",
            "1.5h",
            "99999999999999999999",
            "9999999999999999999d",
        ] {
            assert!(Span::parse(text).is_err(), "{text}");
        }
        assert!(PositiveSpan::parse("PT0S").is_err());
    }

    #[test]
    fn sizes_have_the_suffixes_of_quarkus() {
        assert_eq!(Bytes::parse("10240K"), Ok(10_485_760));
        assert_eq!(Bytes::parse("10m"), Ok(10_485_760));
        assert_eq!(Bytes::parse("1000000"), Ok(1_000_000));
        for text in ["", "K", "10 M", "10MB", "-1", "1.5M", "99999999999999T"] {
            assert!(Bytes::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn booleans_ports_and_counts_are_strict() {
        assert_eq!(Boolean::parse("TRUE"), Ok(true));
        assert_eq!(Boolean::parse("False"), Ok(false));
        assert!(Boolean::parse("yes").is_err());
        assert_eq!(Port::parse("0"), Ok(0));
        assert!(Port::parse("65536").is_err());
        assert_eq!(Count::parse("1"), Ok(1));
        assert!(Count::parse("0").is_err());
    }

    #[test]
    fn lists_have_no_blank_items() {
        assert_eq!(Texts::parse(" a, b,,c ,"), Ok(vec!["a".into(), "b".into(), "c".into()]));
    }

    #[test]
    fn log_levels_have_javas_names_too() {
        assert_eq!(Level::parse("finest"), Ok(LevelFilter::TRACE));
        assert_eq!(Level::parse("WARNING"), Ok(LevelFilter::WARN));
        assert!(Level::parse("LOUD").is_err());
    }
}
