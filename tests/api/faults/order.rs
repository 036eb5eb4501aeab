//! Whether there is an order of the requests that explains all answers.
//!
//! Each request takes effect at one moment between its beginning and its answer, or, where nobody
//! knows, perhaps not at all. If there are such moments that a simple catalog would have given the
//! same answers, and be what is there in the end, then nothing was lost, nothing happened that was
//! refused, and nobody saw what never was.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use super::model::{Call, Catalog, Name, Saw, Table};

struct Search<'a> {
    calls: Vec<&'a Call>,
    seen: &'a BTreeMap<Name, Table>,
    tried: HashSet<(u64, Catalog)>,
    /// How far it got: which calls were explained, and the catalog they made.
    best: (u64, Catalog),
}

/// Looks for the order; fails with what could not be explained.
pub(crate) fn explain(calls: &[Call], seen: &BTreeMap<Name, Table>) -> Result<(), String> {
    let calls: Vec<_> = calls.iter().filter(|call| call.saw != Saw::Nothing).collect();
    assert!(calls.len() <= 64, "{} calls are too many to order", calls.len());
    let best = (0, Catalog::default());
    let mut search = Search { calls, seen, tried: HashSet::new(), best };
    if search.from(0, &Catalog::default()) {
        return Ok(());
    }
    Err(search.report())
}

impl Search<'_> {
    fn from(&mut self, done: u64, catalog: &Catalog) -> bool {
        if done.count_ones() as usize == self.calls.len() {
            return catalog.is_seen_as(self.seen);
        }
        if !self.tried.insert((done, catalog.clone())) {
            return false;
        }
        if done.count_ones() >= self.best.0.count_ones() {
            self.best = (done, catalog.clone());
        }
        let open = |at: &usize| done & (1 << at) == 0;
        let first_end = (0..self.calls.len()).filter(open).map(|at| self.calls[at].time.1).min();
        for at in (0..self.calls.len()).filter(open) {
            let call = self.calls[at];
            if first_end.is_some_and(|end| call.time.0 > end) {
                continue;
            }
            let with_it = done | (1 << at);
            if let Some(after) = catalog.after(call)
                && self.from(with_it, &after)
            {
                return true;
            }
            if call.saw == Saw::Unknown && self.from(with_it, catalog) {
                return true;
            }
        }
        false
    }

    fn report(&self) -> String {
        let (done, catalog) = &self.best;
        let mut text = "no order of the requests explains what clients were told".to_owned();
        let mut list = |title: &str, is_done: bool| {
            let _ = write!(text, "\n{title}:");
            for (at, call) in self.calls.iter().enumerate() {
                if (done & (1 << at) != 0) == is_done {
                    let _ = write!(text, "\n  {call}");
                }
            }
        };
        list("explained", true);
        list("not explained", false);
        let _ = write!(text, "\nthe catalog would then be: {catalog:#?}");
        let _ = write!(text, "\nin the end there is: {:#?}", self.seen);
        text
    }
}
