//! The body of a request that removes many objects.
//!
//! Only the plainest XML is read: what two parsers could read in two ways is refused.

use super::{SignRefusal, unknown};

/// As many as S3 takes.
const MAX_KEYS: usize = 1000;
const NAMESPACE: &str = " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

/// The keys that the body names.
pub(super) fn keys(body: &str) -> Result<Vec<String>, SignRefusal> {
    let mut reader = Reader { rest: body };
    reader.declaration()?;
    reader.blanks();
    reader.expect("<Delete")?;
    reader.skip(NAMESPACE);
    reader.expect(">")?;
    let mut keys = Vec::new();
    loop {
        reader.blanks();
        if reader.skip("</Delete>") {
            break;
        }
        if reader.skip("<Quiet>") {
            if !["true", "false"].contains(&reader.text()?.as_str()) {
                return Err(malformed());
            }
            reader.expect("</Quiet>")?;
            continue;
        }
        reader.expect("<Object>")?;
        reader.blanks();
        reader.expect("<Key>")?;
        keys.push(reader.text()?);
        reader.expect("</Key>")?;
        reader.blanks();
        // Versions are removed for good, and by nobody here.
        reader.expect("</Object>")?;
    }
    reader.blanks();
    if !reader.rest.is_empty() {
        return Err(malformed());
    }
    if keys.is_empty() || keys.len() > MAX_KEYS {
        return Err(unknown(format!("it removes {} objects, of at most {MAX_KEYS}", keys.len())));
    }
    Ok(keys)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, text: &str) -> Result<(), SignRefusal> {
        if self.skip(text) { Ok(()) } else { Err(malformed()) }
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn declaration(&mut self) -> Result<(), SignRefusal> {
        if !self.skip("<?xml ") {
            return Ok(());
        }
        let (declaration, rest) = self.rest.split_once("?>").ok_or_else(malformed)?;
        let words = declaration.replace('\'', "\"").to_ascii_lowercase();
        let known = ["version=\"1.0\"", "encoding=\"utf-8\"", "standalone=\"yes\""];
        if !words.split_ascii_whitespace().all(|word| known.contains(&word)) {
            return Err(malformed());
        }
        self.rest = rest;
        Ok(())
    }

    /// Text up to the next tag. A blank at either end is kept by some parsers, and by others not.
    fn text(&mut self) -> Result<String, SignRefusal> {
        let end = self.rest.find('<').ok_or_else(malformed)?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        let text = unescaped(text)?;
        if text.is_empty() || text.trim() != text || text.chars().any(char::is_control) {
            return Err(malformed());
        }
        Ok(text)
    }
}

fn unescaped(text: &str) -> Result<String, SignRefusal> {
    let mut unescaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        let (name, after) = after.split_once(';').ok_or_else(malformed)?;
        unescaped.push_str(before);
        unescaped.push(match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            name => numbered(name).ok_or_else(malformed)?,
        });
        rest = after;
    }
    unescaped.push_str(rest);
    Ok(unescaped)
}

fn numbered(name: &str) -> Option<char> {
    let digits = name.strip_prefix('#')?;
    let (digits, radix) = digits.strip_prefix('x').map_or((digits, 10), |digits| (digits, 16));
    let plain = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    plain.then(|| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32))?
}

fn malformed() -> SignRefusal {
    unknown("its body is not the plain XML of a list of keys")
}
