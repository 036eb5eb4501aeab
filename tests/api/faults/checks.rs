//! What must hold after a run, whatever went wrong in it.

use std::collections::{BTreeMap, HashSet};

use merak_tests::Response;
use serde_json::Value;

use super::model::{Call, Change, Name, Saw, Table, What};
use super::order;
use super::plan::Plan;
use super::world::{NAMES, Run, World, look};
use crate::fixtures::disk;

/// Checks everything; answers what is wrong, in sentences.
pub(crate) async fn check(world: &World, run: &Run, seed: u64) -> Vec<String> {
    let mut wrong = run.violations.clone();
    if world.plan.stalls() > 0 {
        wrong.push("a server did not ask again after an answer was lost".to_owned());
    }
    let found = match look(world, &run.names).await {
        Ok(found) => found,
        Err(what) => {
            wrong.push(what);
            return wrong;
        }
    };
    for (name, (table, answer)) in &found {
        wrong.extend(check_files(&run.names.route(*name), table, answer));
    }
    wrong.extend(check_replica(world, run, &found, seed).await);
    let tables: BTreeMap<Name, Table> =
        found.into_iter().map(|(name, (table, _))| (name, table)).collect();
    for call in &run.calls {
        wrong.extend(check_call(call, &tables));
    }
    wrong.extend(check_deleted(&world.plan));
    wrong.extend(check_left(world, run));
    if let Err(what) = order::explain(&run.calls, &tables) {
        wrong.push(what);
    }
    wrong
}

/// The pointer names a file that is what is answered, and every file of the log is there.
fn check_files(route: &str, table: &Table, answer: &Response) -> Option<String> {
    let location = table.location.as_deref()?;
    let content = match std::fs::read(disk(location)) {
        Ok(content) => content,
        Err(error) => return Some(format!("{route} points to {location}, which is gone: {error}")),
    };
    let file: Value = match serde_json::from_slice(&content) {
        Ok(file) => file,
        Err(error) => {
            return Some(format!("{route} points to {location}, which is no JSON: {error}"));
        }
    };
    // Metadata goes into an answer as it stands.
    if !answer.text().contains(String::from_utf8_lossy(&content).as_ref()) {
        return Some(format!("{route} is answered with other metadata than {location} holds"));
    }
    let log = file["metadata-log"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut seen = HashSet::from([location]);
    log.iter().find_map(|entry| {
        let logged = entry["metadata-file"].as_str().unwrap_or_default();
        if !seen.insert(logged) {
            return Some(format!("{route} has {logged} in its log twice"));
        }
        let is_there = disk(logged).exists();
        (!is_there).then(|| format!("{route} has {logged} in its log, which is gone"))
    })
}

/// A replica that took part sees the same as one that has nothing in memory.
async fn check_replica(
    world: &World,
    run: &Run,
    found: &BTreeMap<Name, (Table, Response)>,
    seed: u64,
) -> Vec<String> {
    let replica = usize::from(seed % 2 == 1);
    let who = world.at(replica);
    let mut wrong = Vec::new();
    // The name that most wanted, and one of the others.
    let other = 1 + usize::try_from(seed).unwrap_or_default() / 2 % (NAMES - 1);
    for name in [0, other] {
        let answer = who.get(&run.names.route(name)).await;
        let is_same = match found.get(&name) {
            Some((_, fresh)) => answer.status.as_u16() == 200 && answer.body == fresh.body,
            None => answer.status.as_u16() == 404,
        };
        if !is_same {
            let route = run.names.route(name);
            wrong.push(format!(
                "replica {replica} sees another {route} than the store: {}",
                answer.text()
            ));
        }
    }
    wrong
}

/// What one answer alone says of what is there in the end. The order of all says more, but not in
/// such plain words.
fn check_call(call: &Call, tables: &BTreeMap<Name, Table>) -> Option<String> {
    let changes = match &call.what {
        What::Commit(name, change) => std::slice::from_ref(&(*name, change.clone())).to_vec(),
        What::Transaction(changes) => changes.clone(),
        What::Create(name, born) | What::Register(name, born) => {
            vec![(*name, Change::Make { born: born.clone() })]
        }
        What::Stage(_) | What::Drop(_) | What::Rename(..) | What::Load(_) => return None,
    };
    let is_there: Vec<_> =
        changes.iter().filter_map(|(_, change)| is_there(change, tables)).collect();
    match &call.saw {
        Saw::Done(_) if is_there.contains(&false) => {
            Some(format!("what was acknowledged is lost: {call}"))
        }
        Saw::Unknown if is_there.contains(&true) && is_there.contains(&false) => {
            Some(format!("of a transaction only a part is there: {call}"))
        }
        Saw::Done(_) | Saw::Refused(_) | Saw::Nothing | Saw::Unknown => None,
    }
}

/// Whether a change shows on its table; nothing where the table is gone.
fn is_there(change: &Change, tables: &BTreeMap<Name, Table>) -> Option<bool> {
    let of = |born: &String| tables.values().find(|table| table.born == *born);
    match change {
        Change::Append { born, id, .. } => of(born).map(|table| table.snapshots.contains(id)),
        Change::Set { born, key } => of(born).map(|table| table.keys.contains(key)),
        Change::Widen { born, name, .. } => of(born).map(|table| table.columns.contains(name)),
        Change::Make { born } => of(born).map(|_| true),
    }
}

/// No file was deleted that a table pointed to.
fn check_deleted(plan: &Plan) -> Vec<String> {
    plan.truth(|truth| {
        let live = truth.deleted.iter().filter(|file| truth.was_current.contains(*file));
        live.map(|file| format!("{file} was deleted, though a table points or pointed to it"))
            .collect()
    })
}

/// No file was left behind that no table pointed to, but where nobody could know.
fn check_left(world: &World, run: &Run) -> Vec<String> {
    let prefixes: Vec<_> =
        run.names.namespaces.iter().map(|name| format!("{}/", world.place(name))).collect();
    world.plan.truth(|truth| {
        let left = truth.created.iter().filter(|file| {
            let is_ours = prefixes.iter().any(|prefix| file.starts_with(prefix.as_str()));
            is_ours
                && file.ends_with(".metadata.json")
                && !truth.was_current.contains(*file)
                && !truth.excused.contains(*file)
                && disk(file).exists()
        });
        left.map(|file| format!("{file} was left behind, though no table ever pointed to it"))
            .collect()
    })
}
