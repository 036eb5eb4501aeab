//! XML, as much of it as AWS' protocols have: elements with text, no attributes that matter.

/// Text in its escaped form.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for one in text.chars() {
        match one {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            other => out.push(other),
        }
    }
    out
}

/// An element with text.
pub(crate) fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(text))
}

/// An element with other elements.
pub(crate) fn wrap(name: &str, content: &[String]) -> String {
    format!("<{name}>{}</{name}>", content.concat())
}

/// An element that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) children: Vec<Self>,
}

impl Element {
    /// Reads a document. Nothing if it is not well-formed.
    pub(crate) fn parse(document: &[u8]) -> Option<Self> {
        let document = std::str::from_utf8(document).ok()?.trim();
        let document = match document.strip_prefix("<?") {
            Some(rest) => rest.split_once("?>")?.1.trim_start(),
            None => document,
        };
        let mut rest = document;
        let element = Self::read(&mut rest)?;
        rest.trim().is_empty().then_some(element)
    }

    fn read(rest: &mut &str) -> Option<Self> {
        let (tag, after) = rest.strip_prefix('<')?.split_once('>')?;
        *rest = after;
        let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let name = tag.split_whitespace().next()?.to_owned();
        let mut element = Self { name, ..Self::default() };
        if is_empty {
            return Some(element);
        }
        loop {
            let (text, _) = rest.split_once('<')?;
            element.text.push_str(&unescape(text)?);
            *rest = &rest[text.len()..];
            if let Some(after) = rest.strip_prefix("</") {
                let (name, after) = after.split_once('>')?;
                *rest = after;
                return (name.trim() == element.name).then_some(element);
            }
            element.children.push(Self::read(rest)?);
        }
    }

    /// The text of a child.
    pub(crate) fn child(&self, name: &str) -> Option<&str> {
        self.children.iter().find(|one| one.name == name).map(|one| one.text.as_str())
    }

    /// All children of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |one| one.name == name)
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        let (entity, after) = after.split_once(';')?;
        out.push_str(before);
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            number => {
                let number = number.strip_prefix('#')?;
                let code = match number.strip_prefix('x') {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_is_read_back() {
        let text = "a<b>&\"'\n\u{e9}";
        let document =
            format!("<?xml version=\"1.0\"?>\n<A xmlns=\"x\"><B/>{}</A>", element("C", text));

        let read = Element::parse(document.as_bytes()).unwrap();
        assert_eq!(read.name, "A");
        assert_eq!(read.child("C"), Some(text));
        assert_eq!(read.child("B"), Some(""));
        for broken in ["", "<A>", "<A></B>", "<A>&x;</A>", "<A></A><B></B>", "text"] {
            assert_eq!(Element::parse(broken.as_bytes()), None, "{broken}");
        }
    }
}
