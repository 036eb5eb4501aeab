//! Reads the syntax of Java's property files.

use std::iter::Peekable;
use std::str::Chars;

/// One property of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Property {
    pub(super) key: String,
    pub(super) value: String,
    /// The line it begins on, from 1.
    pub(super) line: usize,
}

/// A line that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) line: usize,
    pub(super) why: &'static str,
}

/// The properties of a file in their order, and the lines that could not be read.
pub(super) fn parse(text: &str) -> (Vec<Property>, Vec<Malformed>) {
    let mut properties = Vec::new();
    let mut malformed = Vec::new();
    for (line, content) in logical_lines(text) {
        match property(&content) {
            Ok((key, value)) => properties.push(Property { key, value, line }),
            Err(why) => malformed.push(Malformed { line, why }),
        }
    }
    (properties, malformed)
}

/// The lines that are neither blank nor a comment, each with those that continue it.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut is_continued = false;
    for (index, line) in text.split('\n').enumerate() {
        let line = line.trim_start_matches([' ', '\t', '\u{c}']);
        if !is_continued {
            if line.is_empty() || line.starts_with(['#', '!']) {
                continue;
            }
            lines.push((index + 1, String::new()));
        }
        let backslashes = line.len() - line.trim_end_matches('\\').len();
        is_continued = backslashes % 2 == 1;
        let kept = &line[..line.len() - usize::from(is_continued)];
        lines.last_mut().expect("a continued line was pushed").1.push_str(kept);
    }
    lines
}

fn property(line: &str) -> Result<(String, String), &'static str> {
    let mut rest = line.chars().peekable();
    let key = unescaped(&mut rest, |c| is_blank(c) || c == '=' || c == ':')?;
    skip_blanks(&mut rest);
    if rest.next_if(|c| *c == '=' || *c == ':').is_some() {
        skip_blanks(&mut rest);
    }
    let value = unescaped(&mut rest, |_| false)?;
    Ok((key, value))
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

fn skip_blanks(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| is_blank(*c)).is_some() {}
}

/// The text up to the first character that ends it and is not escaped.
fn unescaped(
    rest: &mut Peekable<Chars<'_>>,
    ends: impl Fn(char) -> bool,
) -> Result<String, &'static str> {
    // In UTF-16, since that is what \uXXXX counts in: a pair of them can be one character.
    let mut units: Vec<u16> = Vec::new();
    let mut buffer = [0; 2];
    while let Some(c) = rest.next_if(|c| !ends(*c)) {
        let c = match c {
            '\\' => match rest.next() {
                Some('u') => {
                    units.push(unicode_escape(rest)?);
                    continue;
                }
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\u{c}',
                Some(c) => c,
                None => break,
            },
            c => c,
        };
        units.extend_from_slice(c.encode_utf16(&mut buffer));
    }
    String::from_utf16(&units).map_err(|_| "has half of a surrogate pair in \\uXXXX")
}

fn unicode_escape(rest: &mut Peekable<Chars<'_>>) -> Result<u16, &'static str> {
    let mut unit = 0;
    for _ in 0..4 {
        let digit = rest.next().and_then(|c| c.to_digit(16));
        let digit = digit.ok_or("has a \\u that four hexadecimal digits do not follow")?;
        unit = unit * 16 + u16::try_from(digit).expect("a hexadecimal digit is below 16");
    }
    Ok(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let (properties, malformed) = parse(text);
        assert_eq!(malformed, []);
        properties.into_iter().map(|property| (property.key, property.value)).collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn a_key_ends_at_an_equals_sign_a_colon_or_a_blank() {
        let text = "a=1\nb:2\nc 3\n  d \t = \t 4\ne\nf==5\ng=h=i:j";

        let expected = [
            ("a", "1"),
            ("b", "2"),
            ("c", "3"),
            ("d", "4"),
            ("e", ""),
            ("f", "=5"),
            ("g", "h=i:j"),
        ];
        assert_eq!(pairs(text), expected.map(|(key, value)| pair(key, value)));
    }

    #[test]
    fn comments_and_blank_lines_are_no_properties() {
        let text = "# one\n  ! two \\\n\n\r\na=1 # not a comment\r\n";

        assert_eq!(pairs(text), [pair("a", "1 # not a comment")]);
    }

    #[test]
    fn an_odd_number_of_backslashes_continues_the_line() {
        let text = "a=1,\\\n    2,\\\r\n    # 3\nb=c\\\\\nd=e\\\n";

        assert_eq!(pairs(text), [pair("a", "1,2,# 3"), pair("b", "c\\"), pair("d", "e")]);
    }

    #[test]
    fn escapes_stand_for_characters() {
        let text = "a\\ b\\=c\\:=\\u00e9\\t\\uD83D\\uDE00\\q";

        assert_eq!(pairs(text), [pair("a b=c:", "é\t😀q")]);
    }

    #[test]
    fn quotes_and_brackets_stay_as_they_are() {
        let text = "polaris.features.\"X\"=[\"S3\",\"GCS\"]\nx.mappings[0].regex = A:(.*)";

        let expected =
            [("polaris.features.\"X\"", "[\"S3\",\"GCS\"]"), ("x.mappings[0].regex", "A:(.*)")];
        assert_eq!(pairs(text), expected.map(|(key, value)| pair(key, value)));
    }

    #[test]
    fn every_malformed_line_is_named() {
        let (properties, malformed) = parse("a=\\u12g4\nb=2\nc=\\uD800");

        assert_eq!(properties, [Property { key: "b".into(), value: "2".into(), line: 2 }]);
        assert_eq!(malformed.iter().map(|line| line.line).collect::<Vec<_>>(), [1, 3]);
    }
}
