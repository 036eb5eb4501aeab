//! What a catalog is, as simply as it can be said, and what each request may do to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

/// Which of the run's names.
pub(crate) type Name = usize;

/// A table, as far as a run changes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Table {
    /// What tells it from every other table.
    pub(crate) born: String,
    pub(crate) head: Option<i64>,
    pub(crate) snapshots: Vec<i64>,
    pub(crate) keys: BTreeSet<String>,
    pub(crate) columns: Vec<String>,
    /// Its metadata file, once somebody saw it.
    pub(crate) location: Option<String>,
}

impl Table {
    /// A table as it comes to be.
    pub(crate) fn new(born: &str) -> Self {
        Self {
            born: born.to_owned(),
            head: None,
            snapshots: Vec::new(),
            keys: BTreeSet::new(),
            columns: vec!["id".to_owned(), "name".to_owned()],
            location: None,
        }
    }

    /// A table as a client got it.
    pub(crate) fn read(answer: &Value) -> Self {
        let metadata = &answer["metadata"];
        let texts = |list: &Value, key: &str| {
            let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
            list.iter().filter_map(|one| one[key].as_str().map(str::to_owned)).collect()
        };
        let current = &metadata["current-schema-id"];
        let schemas = metadata["schemas"].as_array().map(Vec::as_slice).unwrap_or_default();
        let schema = schemas.iter().find(|schema| &schema["schema-id"] == current);
        let properties = metadata["properties"].as_object();
        let snapshots = metadata["snapshots"].as_array().map(Vec::as_slice).unwrap_or_default();
        Self {
            born: metadata["properties"]["born"].as_str().unwrap_or_default().to_owned(),
            head: metadata["refs"]["main"]["snapshot-id"].as_i64(),
            snapshots: snapshots.iter().filter_map(|one| one["snapshot-id"].as_i64()).collect(),
            keys: properties
                .into_iter()
                .flat_map(|all| all.keys())
                .filter(|key| key.starts_with("key-"))
                .cloned()
                .collect(),
            columns: schema.map(|schema| texts(&schema["fields"], "name")).unwrap_or_default(),
            location: answer["metadata-location"].as_str().map(str::to_owned),
        }
    }

    /// Whether it is what a client saw; then its file is known.
    fn is_seen_as(&mut self, seen: &Self) -> bool {
        if self.location.is_none() {
            self.location.clone_from(&seen.location);
        }
        self == seen
    }
}

/// What a commit does to a table. All but a creation name the table they mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Adds a snapshot to `main`, which must be at another.
    Append { born: String, parent: Option<i64>, id: i64 },
    /// Sets a property.
    Set { born: String, key: String },
    /// Adds a column, if there are so many.
    Widen { born: String, columns: usize, name: String },
    /// Makes the table.
    Make { born: String },
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Commit(Name, Change),
    Transaction(Vec<(Name, Change)>),
    Create(Name, String),
    Stage(Name),
    Register(Name, String),
    Drop(Name),
    Rename(Name, Name),
    Load(Name),
}

/// Why something is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 404: there is no such table.
    Missing,
    /// 409: the name is taken.
    Exists,
    /// 409: the table is not as the commit says.
    Failed,
    /// 403: its place is taken.
    Overlaps,
}

/// What the client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Saw {
    /// It is done, and the table, where it was told, is this.
    Done(Option<Table>),
    Refused(Refusal),
    /// Nothing was done, for a reason that is not in the catalog.
    Nothing,
    /// Nobody knows.
    Unknown,
}

/// A request and its answer.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) client: usize,
    pub(crate) what: What,
    pub(crate) time: (u64, u64),
    /// Whether an answer to the server was lost meanwhile.
    pub(crate) had_loss: bool,
    /// The idempotency key, where the server knows of them.
    pub(crate) key: Option<String>,
    pub(crate) saw: Saw,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, what, time: (from, to), had_loss: _, key, saw } = self;
        let keyed = if key.is_some() { " with a key" } else { "" };
        write!(f, "client {client}, {from} to {to}: {what:?}{keyed}: {saw:?}")
    }
}

/// A catalog.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Catalog {
    pub(crate) tables: BTreeMap<Name, Table>,
    /// The keys of requests that were carried out.
    answered: BTreeSet<String>,
}

/// What a request comes to: the reasons for which it may be refused, or the catalog that it makes.
enum Comes {
    To(Vec<Refusal>),
    Unchanged,
    Changed(Catalog),
}

impl Catalog {
    /// The catalog after a call that met it as it is, if what the client saw is what it then sees.
    pub(crate) fn after(&self, call: &Call) -> Option<Self> {
        if matches!(call.saw, Saw::Done(_) | Saw::Unknown)
            && call.key.as_ref().is_some_and(|key| self.answered.contains(key))
        {
            return Some(self.clone());
        }
        let comes = self.comes(&call.what);
        let (mut after, is_changed) = match (&call.saw, comes) {
            (Saw::Refused(refusal), Comes::To(refusals)) if refusals.contains(refusal) => {
                return Some(self.clone());
            }
            // Where an answer was lost, what was asked for is found as it was to be. Whether that is
            // the server's own doing or another's cannot be told; to the client it is the same.
            (Saw::Done(_), Comes::To(_)) if call.had_loss && self.is_as_wanted(call) => {
                return Some(self.clone());
            }
            (Saw::Done(_) | Saw::Unknown, Comes::Unchanged) => (self.clone(), false),
            (Saw::Done(_) | Saw::Unknown, Comes::Changed(after)) => (after, true),
            (Saw::Refused(_) | Saw::Done(_) | Saw::Nothing | Saw::Unknown, _) => return None,
        };
        if is_changed && let Some(key) = &call.key {
            after.answered.insert(key.clone());
        }
        let name = match &call.what {
            What::Commit(name, _)
            | What::Create(name, _)
            | What::Register(name, _)
            | What::Load(name) => Some(*name),
            What::Transaction(_) | What::Stage(_) | What::Drop(_) | What::Rename(..) => None,
        };
        if let (Saw::Done(Some(seen)), Some(name)) = (&call.saw, name) {
            let table = after.tables.get_mut(&name)?;
            if !table.is_seen_as(seen) {
                return None;
            }
        }
        Some(after)
    }

    /// Whether this is what is there in the end.
    pub(crate) fn is_seen_as(&self, seen: &BTreeMap<Name, Table>) -> bool {
        self.tables.keys().eq(seen.keys())
            && self.tables.iter().all(|(name, table)| table.clone().is_seen_as(&seen[name]))
    }

    fn comes(&self, what: &What) -> Comes {
        let mut after = self.clone();
        match what {
            What::Load(name) | What::Drop(name) if !self.tables.contains_key(name) => {
                return Comes::To(vec![Refusal::Missing]);
            }
            What::Load(_) => return Comes::Unchanged,
            What::Drop(name) => {
                after.tables.remove(name);
            }
            What::Stage(name) | What::Create(name, _) | What::Register(name, _)
                if self.tables.contains_key(name) =>
            {
                return Comes::To(vec![Refusal::Exists]);
            }
            What::Stage(_) => return Comes::Unchanged,
            What::Create(name, born) | What::Register(name, born) => {
                if self.is_elsewhere(born) {
                    return Comes::To(vec![Refusal::Overlaps]);
                }
                after.tables.insert(*name, Table::new(born));
            }
            What::Rename(from, to) => {
                let mut refusals = Vec::new();
                if !self.tables.contains_key(from) {
                    refusals.push(Refusal::Missing);
                }
                if self.tables.contains_key(to) {
                    refusals.push(Refusal::Exists);
                }
                if !refusals.is_empty() {
                    return Comes::To(refusals);
                }
                let table = after.tables.remove(from).expect("it was looked for");
                after.tables.insert(*to, table);
            }
            What::Commit(name, change) => {
                return self.comes_of(std::slice::from_ref(&(*name, change.clone())));
            }
            What::Transaction(changes) => return self.comes_of(changes),
        }
        Comes::Changed(after)
    }

    /// Whether a drop or a rename would find its work done.
    fn is_as_wanted(&self, call: &Call) -> bool {
        match &call.what {
            What::Drop(name) => !self.tables.contains_key(name),
            // One without a key leaves a mark.
            What::Rename(from, to) if call.key.is_some() => {
                !self.tables.contains_key(from) && self.tables.contains_key(to)
            }
            What::Commit(..)
            | What::Transaction(_)
            | What::Create(..)
            | What::Stage(_)
            | What::Register(..)
            | What::Rename(..)
            | What::Load(_) => false,
        }
    }

    fn is_elsewhere(&self, born: &str) -> bool {
        self.tables.values().any(|table| table.born == born)
    }

    /// What comes of commits: all or nothing.
    fn comes_of(&self, changes: &[(Name, Change)]) -> Comes {
        let is_missing = |(name, change): &(Name, Change)| {
            !matches!(change, Change::Make { .. }) && !self.tables.contains_key(name)
        };
        if changes.iter().any(is_missing) {
            return Comes::To(vec![Refusal::Missing]);
        }
        let mut traced =
            changes.iter().filter_map(|(name, change)| change.is_there(self.tables.get(name)));
        if traced.next().is_some_and(|first| first && traced.all(|is_there| is_there)) {
            return Comes::Unchanged;
        }
        let mut after = self.clone();
        let mut refusals = Vec::new();
        for (name, change) in changes {
            match change.apply(after.tables.remove(name)) {
                Some(table) => {
                    if matches!(change, Change::Make { born } if self.is_elsewhere(born)) {
                        refusals.push(Refusal::Overlaps);
                    }
                    after.tables.insert(*name, table);
                }
                None => refusals.push(Refusal::Failed),
            }
        }
        match (refusals.is_empty(), after == *self) {
            (false, _) => Comes::To(refusals),
            (true, true) => Comes::Unchanged,
            (true, false) => Comes::Changed(after),
        }
    }
}

impl Change {
    /// Whether the table shows that it was made before; nothing where no table would show it.
    fn is_there(&self, table: Option<&Table>) -> Option<bool> {
        match self {
            Self::Append { born, id, .. } => {
                Some(table.is_some_and(|table| table.born == *born && table.snapshots.contains(id)))
            }
            Self::Make { born } => Some(table.is_some_and(|table| table.born == *born)),
            Self::Set { .. } | Self::Widen { .. } => None,
        }
    }

    fn apply(&self, table: Option<Table>) -> Option<Table> {
        let mut table = match (self, table) {
            (Self::Make { born }, None) => return Some(Table::new(born)),
            (Self::Make { .. }, Some(_)) | (_, None) => return None,
            (_, Some(table)) => table,
        };
        // A change writes a new file, which nobody saw yet.
        let location = table.location.take();
        match self {
            Self::Append { born, parent, id } if table.born == *born && table.head == *parent => {
                table.head = Some(*id);
                table.snapshots.push(*id);
            }
            Self::Set { born, key } if table.born == *born => {
                if !table.keys.insert(key.clone()) {
                    table.location = location;
                }
            }
            Self::Widen { born, columns, name }
                if table.born == *born && table.columns.len() == *columns =>
            {
                table.columns.push(name.clone());
            }
            Self::Append { .. } | Self::Set { .. } | Self::Widen { .. } | Self::Make { .. } => {
                return None;
            }
        }
        Some(table)
    }
}
