//! Members that a table keeps all versions of, each under a number: schemas, specs, orders.

use std::sync::{Arc, OnceLock};

use serde::ser::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Error;
use crate::json::{self, At, Raw};
use crate::partition::PartitionSpec;
use crate::schema::Schema;
use crate::sort::SortOrder;

/// What a [`Numbered`] can hold.
pub(crate) trait Content: Sized + Serialize {
    /// The member that holds the number.
    const ID: &'static str;
    /// What messages call it.
    const NAME: &'static str;

    /// Reads one that is part of a table.
    fn parse(at: At<'_>, value: Value) -> Result<Self, Error>;
}

impl Content for Schema {
    const ID: &'static str = "schema-id";
    const NAME: &'static str = "schema";

    fn parse(at: At<'_>, value: Value) -> Result<Self, Error> {
        Self::parse(at, value)
    }
}

impl Content for PartitionSpec {
    const ID: &'static str = "spec-id";
    const NAME: &'static str = "partition spec";

    fn parse(at: At<'_>, value: Value) -> Result<Self, Error> {
        Self::parse_bound(at, value)
    }
}

impl Content for SortOrder {
    const ID: &'static str = "order-id";
    const NAME: &'static str = "sort order";

    fn parse(at: At<'_>, value: Value) -> Result<Self, Error> {
        Self::parse(at, value)
    }
}

/// A text with its number, understood when first asked for.
///
/// Most commits ask for none of them, and a table can have thousands.
#[derive(Debug)]
pub(crate) struct Numbered<T> {
    pub(crate) id: i32,
    pub(crate) text: Raw,
    content: OnceLock<T>,
}

impl<T: Content> Numbered<T> {
    pub(crate) fn new(id: i32, content: T) -> Self {
        Self { id, text: json::raw(&content), content: OnceLock::from(content) }
    }

    pub(crate) fn from_text(id: i32, text: Raw) -> Self {
        Self { id, text, content: OnceLock::new() }
    }

    pub(crate) fn read(at: At<'_>, raw: &RawValue) -> Result<Self, Error> {
        let mut members = json::Members::read(at, raw)?;
        let id = json::required(at.member(T::ID), members.take(T::ID))?;
        Ok(Self::from_text(id, json::keep(raw)))
    }

    pub(crate) fn content(&self) -> Result<&T, Error> {
        if let Some(content) = self.content.get() {
            return Ok(content);
        }
        let name = format!("Invalid {} {}", T::NAME, self.id);
        let at = At::root(&name);
        let content = T::parse(at, json::value(at, &self.text)?)?;
        Ok(self.content.get_or_init(|| content))
    }
}

impl<T> Serialize for Numbered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

/// All versions, in the order in which they came.
pub(crate) type Versions<T> = Vec<Arc<Numbered<T>>>;

/// Finds a version by its number.
pub(crate) fn find<T>(versions: &Versions<T>, id: i32) -> Option<&Numbered<T>> {
    versions.iter().map(Arc::as_ref).find(|version| version.id == id)
}

/// The number of the next version, which is at least `first`.
pub(crate) fn next_id<T>(versions: &Versions<T>, first: i32) -> Result<i32, Error> {
    let last = versions.iter().map(|version| version.id).max();
    match last {
        None => Ok(first),
        Some(last) => last
            .checked_add(1)
            .map(|next| next.max(first))
            .ok_or_else(|| Error::invalid("Cannot assign an id: none is left")),
    }
}
