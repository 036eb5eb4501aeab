//! The two forms of condition that access boundaries are written in here, joined by `||`.
//!
//! Google takes more of CEL than this; what Merak sends is exactly this, and anything else is a
//! mistake, or worse, a name that was not escaped.

/// What is compared with the beginning of what is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Term {
    /// `resource.name.startsWith('...')`
    Name(String),
    /// `api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('...')`
    ListPrefix(String),
}

const NAME: &str = "resource.name.startsWith(";
const LIST_PREFIX: &str =
    "api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith(";

/// The terms of an expression; one of them must hold.
pub(crate) fn parse(expression: &str) -> Option<Vec<Term>> {
    let mut terms = Vec::new();
    let mut rest = expression;
    loop {
        let (term, after) = parse_term(rest.trim_start_matches(' '))?;
        terms.push(term);
        rest = after.trim_start_matches(' ');
        if rest.is_empty() {
            return Some(terms);
        }
        rest = rest.strip_prefix("||")?;
    }
}

fn parse_term(text: &str) -> Option<(Term, &str)> {
    let (kind, rest): (fn(String) -> Term, &str) = match text.strip_prefix(NAME) {
        Some(rest) => (Term::Name, rest),
        None => (Term::ListPrefix, text.strip_prefix(LIST_PREFIX)?),
    };
    let (literal, rest) = parse_literal(rest)?;
    Some((kind(literal), rest.strip_prefix(')')?))
}

/// A string in single or in double quotes, without its escapes, and what follows it.
/// <https://github.com/google/cel-spec/blob/master/doc/langdef.md#string-and-bytes-values>
fn parse_literal(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    // Three quotes begin another kind of literal.
    if text.starts_with(&quote.to_string().repeat(3)) {
        return None;
    }
    let mut literal = String::new();
    let mut chars = text[1..].chars();
    loop {
        match chars.next()? {
            c if c == quote => return Some((literal, chars.as_str())),
            '\n' | '\r' => return None,
            '\\' => literal.push(parse_escape(&mut chars)?),
            c => literal.push(c),
        }
    }
}

fn parse_escape(chars: &mut std::str::Chars<'_>) -> Option<char> {
    Some(match chars.next()? {
        c @ ('\\' | '\'' | '"' | '`' | '?') => c,
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' | 'X' => code_point(chars, 2, 16, 0)?,
        'u' => code_point(chars, 4, 16, 0)?,
        'U' => code_point(chars, 8, 16, 0)?,
        first @ '0'..='3' => code_point(chars, 2, 8, first.to_digit(8)?)?,
        _ => return None,
    })
}

fn code_point(
    chars: &mut std::str::Chars<'_>,
    digits: usize,
    radix: u32,
    first: u32,
) -> Option<char> {
    let mut code = first;
    for _ in 0..digits {
        code = code.checked_mul(radix)?.checked_add(chars.next()?.to_digit(radix)?)?;
    }
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "api.getAttribute('storage.googleapis.com/objectListPrefix', '')";

    #[test]
    fn both_forms_are_read_with_their_escapes() {
        let expression = format!(
            r"resource.name.startsWith('a/it\'s \\ \u00e9\x41\101/') || {LIST}.startsWith('b/')"
        );
        assert_eq!(
            parse(&expression),
            Some(vec![Term::Name("a/it's \\ éAA/".to_owned()), Term::ListPrefix("b/".to_owned())])
        );
        assert_eq!(
            parse(r#"resource.name.startsWith("a'b")"#),
            Some(vec![Term::Name("a'b".to_owned())])
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            "",
            "true",
            "resource.name.startsWith('a') ||",
            "resource.name.startsWith('a') && resource.name.startsWith('b')",
            "resource.name.startsWith('a' || 'b')",
            "resource.name.startsWith('it's')",
            r"resource.name.startsWith('a\')",
            r"resource.name.startsWith('a\q')",
            r"resource.name.startsWith('a\ud800')",
            "resource.name.startsWith('a\nb')",
            "resource.name.startsWith(''')",
            "resource.name.startsWith('''a''')",
            "resource.name.endsWith('a')",
            "resource.name == 'a'",
            "!resource.name.startsWith('a')",
            "resource.name.startsWith('a') || true",
            "api.getAttribute('storage.googleapis.com/objectListPrefix', 'x').startsWith('a')",
            "api.getAttribute('storage.googleapis.com/objectlistprefix', '').startsWith('a')",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
