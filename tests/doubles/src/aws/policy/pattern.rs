//! Texts with wildcards and variables, as IAM reads them.

use super::Context;

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// `*`: any characters, none too.
    Any,
    /// `?`: one character.
    One,
    /// This character and no other.
    Exact(char),
    /// `${name}`: what the request says it is.
    Variable(String),
}

/// What a text is compared with.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pieces: Vec<Piece>,
}

/// How a pattern's text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Whether `*` and `?` are wildcards.
    pub(crate) wildcards: bool,
    /// Whether `${..}` is a variable: only in documents of version 2012-10-17.
    pub(crate) variables: bool,
}

impl Pattern {
    /// Reads a pattern; fails on a variable that does not end.
    pub(crate) fn parse(text: &str, reading: Reading) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if reading.variables && rest.starts_with("${") {
                let end = rest.find('}').ok_or("a policy variable does not end")?;
                pieces.push(match &rest[2..end] {
                    // The escapes: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
                    "*" => Piece::Exact('*'),
                    "?" => Piece::Exact('?'),
                    "$" => Piece::Exact('$'),
                    name => Piece::Variable(name.to_lowercase()),
                });
                rest = &rest[end + 1..];
                continue;
            }
            pieces.push(match first {
                '*' if reading.wildcards => Piece::Any,
                '?' if reading.wildcards => Piece::One,
                other => Piece::Exact(other),
            });
            rest = &rest[first.len_utf8()..];
        }
        Ok(Self { pieces })
    }

    /// Whether it is a single `*`.
    pub(crate) fn is_anything(&self) -> bool {
        self.pieces == [Piece::Any]
    }

    /// Its parts between colons, the last with all the colons that are left.
    pub(crate) fn split_at_colons(&self, parts: usize) -> Vec<Self> {
        self.pieces
            .splitn(parts, |piece| *piece == Piece::Exact(':'))
            .map(|pieces| Self { pieces: pieces.to_vec() })
            .collect()
    }

    /// Whether a text matches. A variable that the request does not have matches nothing.
    pub(crate) fn matches(&self, text: &str, context: &Context) -> bool {
        let mut pieces = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Variable(name) => match context.one(name) {
                    Some(value) => pieces.extend(value.chars().map(Piece::Exact)),
                    None => return false,
                },
                Piece::Any | Piece::One | Piece::Exact(_) => pieces.push(piece.clone()),
            }
        }
        let text: Vec<char> = text.chars().collect();
        matches(&pieces, &text)
    }
}

/// Compares from the left, and goes back to the last `*` where that fails.
fn matches(pieces: &[Piece], text: &[char]) -> bool {
    let (mut piece, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pieces.get(piece) {
            Some(Piece::Any) => {
                star = Some((piece, at));
                piece += 1;
                continue;
            }
            Some(Piece::One) => {
                piece += 1;
                at += 1;
                continue;
            }
            Some(Piece::Exact(wanted)) if *wanted == text[at] => {
                piece += 1;
                at += 1;
                continue;
            }
            Some(Piece::Exact(_) | Piece::Variable(_)) | None => {}
        }
        let Some((star_piece, star_at)) = star else { return false };
        piece = star_piece + 1;
        at = star_at + 1;
        star = Some((star_piece, at));
    }
    pieces[piece..].iter().all(|piece| *piece == Piece::Any)
}
