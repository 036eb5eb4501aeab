//! Looks settings up, and remembers what was asked for and what was wrong.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use merak_model::RealmId;

use super::formats::Format;
use super::keys::{around_placeholder, canonical, fill, loose, segments};
use super::problems::{Notice, Problem};
use super::registry::{Row, Setting};
use super::sources::{self, Entry, Sources, Spelling};

/// All sources of one start. Values leave it only through the settings of the registry, so every
/// key that works is in the registry, and what was never asked for is unknown.
pub(super) struct Reader {
    /// What wins comes first.
    entries: Vec<Entry>,
    /// The entries of a canonical key, or of the loose form of a variable.
    by_spelling: HashMap<String, Vec<usize>>,
    working_dir: PathBuf,
    home: Option<PathBuf>,
    pub(super) problems: Vec<Problem>,
    pub(super) notices: Vec<Notice>,
    /// The keys of the settings that were asked for.
    pub(super) asked: BTreeSet<&'static str>,
}

impl Reader {
    pub(super) fn new(sources: &Sources) -> Self {
        let (entries, problems) = sources::entries(sources);
        let mut by_spelling: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            let (Spelling::Exact(spelling) | Spelling::Loose(spelling)) = &entry.spelling;
            by_spelling.entry(spelling.clone()).or_default().push(index);
        }
        let working_dir = sources.working_dir.clone();
        let home =
            sources.environment.iter().find(|(name, value)| name == "HOME" && !value.is_empty());
        let home = home.map(|(_, path)| PathBuf::from(path));
        let (notices, asked) = (Vec::new(), BTreeSet::new());
        Self { entries, by_spelling, working_dir, home, problems, notices, asked }
    }

    /// The value of a setting, or its default.
    pub(super) fn get<F: Format>(&mut self, setting: &Setting<F>) -> F::Value {
        let found = self.find_row(&setting.row);
        self.value(setting, found)
    }

    /// The value a setting has in a realm: the realm's own, or the one for all.
    pub(super) fn get_in<F: Format>(&mut self, realm: &RealmId, setting: &Setting<F>) -> F::Value {
        let found = self.find_in(realm, &setting.row);
        self.value(setting, found)
    }

    /// The values of a setting whose key has a placeholder, by what stands in its place.
    pub(super) fn each<F: Format>(&mut self, setting: &Setting<F>) -> BTreeMap<String, F::Value> {
        self.asked.insert(setting.row.key);
        let (before, after) = around_placeholder(setting.row.key);
        let (loose_before, loose_after) = (loose(&before) + "_", loose(&after));
        let mut found = BTreeMap::new();
        for (index, entry) in self.entries.iter_mut().enumerate() {
            let name = match &entry.spelling {
                Spelling::Exact(key) => {
                    between(key, &before, &after).map(|name| segments(name).join("."))
                }
                // What case the name had is lost: it is taken to be lower, as in Polaris.
                Spelling::Loose(key) => between(key, &loose_before, &loose_after)
                    .map(|name| name.trim_matches('_').to_ascii_lowercase()),
            };
            if let Some(name) = name {
                entry.was_read = true;
                if !is_blank(entry) {
                    found.entry(name).or_insert(index);
                }
            }
        }
        let mut values = BTreeMap::new();
        for (name, index) in found {
            if let Some(value) = self.parsed(setting, index) {
                values.insert(name, value);
            }
        }
        values
    }

    /// The entries of a setting that has a placeholder `<n>` and that a realm may override, by what
    /// stands in its place: those of the realm, if it has any, else those for all. They are yet to be
    /// [`read`](Self::read_entry).
    pub(super) fn each_in(&mut self, realm: &RealmId, row: &Row) -> BTreeMap<String, usize> {
        self.asked.insert(row.key);
        let pattern = row.realm_key.expect("only settings that a realm may override come here");
        let of_all = self.numbered(row.key);
        let own = self.numbered(&fill(pattern, realm.as_str()));
        if own.is_empty() { of_all } else { own }
    }

    /// The value of an entry, unless it has a problem, which is then noted.
    pub(super) fn read_entry<F: Format>(
        &mut self,
        setting: &Setting<F>,
        index: usize,
    ) -> Option<F::Value> {
        self.parsed(setting, index)
    }

    fn numbered(&mut self, pattern: &str) -> BTreeMap<String, usize> {
        let (before, after) = pattern.rsplit_once("<n>").expect("only such patterns come here");
        let (before, after) = (canonical(before), after.to_owned());
        let (loose_before, loose_after) = (loose(&before) + "_", "_".to_owned() + &loose(&after));
        let mut found = BTreeMap::new();
        for (index, entry) in self.entries.iter_mut().enumerate() {
            let number = match &entry.spelling {
                Spelling::Exact(key) => between(key, &before, &after),
                Spelling::Loose(key) => between(key, &loose_before, &loose_after),
            };
            if let Some(number) = number.map(str::to_owned) {
                entry.was_read = true;
                if !is_blank(entry) {
                    found.entry(number).or_insert(index);
                }
            }
        }
        found
    }

    /// What a flag of `merak_model::features` is set to in a realm, and by which entry.
    pub(super) fn feature(
        &mut self,
        realm: &RealmId,
        group: &str,
        flag: &str,
    ) -> Option<(String, usize)> {
        let overrides = fill(&format!("{group}.realm-overrides.<realm>"), realm.as_str());
        let own = self.find(&[&format!("{overrides}.{flag}")]);
        let index = own.or(self.find(&[&format!("{group}.{flag}")]))?;
        match self.entries[index].value.clone() {
            Ok(text) => Some((text, index)),
            Err(why) => {
                self.refuse_entry(index, false, why);
                None
            }
        }
    }

    /// Whether anything but a blank was set.
    pub(super) fn is_set(&mut self, row: &Row) -> bool {
        self.find_row(row).is_some()
    }

    /// Whether anything but a blank was set for that realm alone.
    pub(super) fn is_set_in(&mut self, realm: &RealmId, row: &Row) -> bool {
        let pattern = row.realm_key.expect("only settings that a realm may override come here");
        self.find(&[&fill(pattern, realm.as_str())]).is_some()
    }

    /// Notes that the value of a setting, though well-formed, will not do.
    pub(super) fn refuse(&mut self, row: &Row, realm: Option<&RealmId>, why: impl Into<String>) {
        let found = match realm {
            Some(realm) => self.find_in(realm, row),
            None => self.find_row(row),
        };
        match found {
            Some(index) => self.refuse_entry(index, row.is_secret, why),
            None => self.problem(Problem {
                key: row.key.to_owned(),
                origin: None,
                value: None,
                why: why.into(),
            }),
        }
    }

    /// Notes that the value of an entry will not do.
    pub(super) fn refuse_entry(&mut self, index: usize, is_secret: bool, why: impl Into<String>) {
        let entry = &self.entries[index];
        let value = entry.value.clone().ok().filter(|_| !is_secret);
        let (key, origin) = (entry.key.clone(), Some(entry.origin.clone()));
        self.problem(Problem { key, origin, value, why: why.into() });
    }

    /// Notes that what nobody asked for and lies below a key, which is in its loose form, may not be
    /// passed over; unless it is switched off.
    pub(super) fn refuse_unread(&mut self, below: &str, why: &str) {
        let lies_below = |entry: &Entry| {
            let rest = loose(&entry.key).strip_prefix(below).map(str::to_owned);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        let is_off = |entry: &Entry| {
            is_blank(entry) || entry.value.as_deref().is_ok_and(|value| value.trim() == "false")
        };
        for index in 0..self.entries.len() {
            let entry = &mut self.entries[index];
            if !entry.was_read && lies_below(entry) {
                entry.was_read = true;
                if !is_off(entry) {
                    self.refuse_entry(index, false, why);
                }
            }
        }
    }

    /// The home folder of whom the process runs as.
    pub(super) fn home(&self) -> Option<&std::path::Path> {
        self.home.as_deref()
    }

    /// A path as the process is to open it.
    pub(super) fn resolve(&self, path: &std::path::Path) -> PathBuf {
        // Through `components`, so that no `/./` is left in messages.
        self.working_dir.join(path).components().collect()
    }

    /// The entries that no setting asked for.
    pub(super) fn unread(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !entry.was_read)
    }

    /// Each realm comes by the same wrong value: it is one problem.
    fn problem(&mut self, problem: Problem) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn value<F: Format>(&mut self, setting: &Setting<F>, found: Option<usize>) -> F::Value {
        let set = found.and_then(|index| self.parsed(setting, index));
        // With a problem noted, the default lets reading go on, to find the other problems.
        set.unwrap_or_else(|| setting.default())
    }

    fn parsed<F: Format>(&mut self, setting: &Setting<F>, index: usize) -> Option<F::Value> {
        let parsed = match &self.entries[index].value {
            Ok(text) if F::IS_SECRET => F::parse(text),
            Ok(text) => F::parse(text.trim()),
            Err(why) => Err(why.clone()),
        };
        parsed.map_err(|why| self.refuse_entry(index, setting.row.is_secret, why)).ok()
    }

    fn find_row(&mut self, row: &Row) -> Option<usize> {
        self.asked.insert(row.key);
        let keys: Vec<&str> = row.keys().collect();
        self.find(&keys)
    }

    fn find_in(&mut self, realm: &RealmId, row: &Row) -> Option<usize> {
        let pattern = row.realm_key.expect("only settings that a realm may override come here");
        let own = self.find(&[&fill(pattern, realm.as_str())]);
        // Both are looked for, so that an overridden value does not pass for unknown.
        own.or(self.find_row(row))
    }

    /// The entry that wins among those of some keys.
    fn find(&mut self, keys: &[&str]) -> Option<usize> {
        let mut best: Option<usize> = None;
        for key in keys {
            for spelling in [canonical(key), loose(key)] {
                for &index in self.by_spelling.get(&spelling).into_iter().flatten() {
                    let entry = &mut self.entries[index];
                    entry.was_read = true;
                    if !is_blank(entry) {
                        best = Some(best.map_or(index, |best| best.min(index)));
                    }
                }
            }
        }
        best
    }
}

/// Whether an entry is as none: compose files pass on variables that are not set.
fn is_blank(entry: &Entry) -> bool {
    entry.value.as_ref().is_ok_and(|text| text.trim().is_empty())
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.strip_suffix(after).filter(|name| !name.is_empty())
}
