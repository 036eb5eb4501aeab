//! What files may be like.

use std::collections::BTreeSet;

use crate::{files_below, read, root, shown};

/// More lines than this need a reason, and a row below.
const MAX_LINES: usize = 500;

/// Files with a reason to be longer. This list may only shrink.
const LONGER: &[&str] = &[];

#[test]
fn no_file_is_too_long_to_be_read() {
    for path in files_below(&root(), ".rs") {
        let lines = read(&path).lines().count();
        let name = shown(&path);
        let may_be_longer = LONGER.contains(&name.as_str());
        assert!(
            lines <= MAX_LINES || may_be_longer,
            "{name} has {lines} lines: split it by noun, or say why not"
        );
        assert!(lines > MAX_LINES || !may_be_longer, "{name} need not be in the list any more");
    }
}

#[test]
fn nothing_is_left_to_do_or_left_out() {
    // Put together, so that this file is none of them.
    let marks =
        [["todo", "!("], ["unimplemented", "!("], ["#[ign", "ore"], ["FIX", "ME"], ["dbg", "!("]]
            .map(|parts| parts.concat());
    for path in files_below(&root(), ".rs") {
        let name = shown(&path);
        for (number, line) in read(&path).lines().enumerate() {
            let is_example = line.trim_start().starts_with("///");
            let mark = marks.iter().find(|mark| !is_example && line.contains(*mark));
            assert!(mark.is_none(), "{name}:{}: {mark:?}", number + 1);
        }
    }
}

#[test]
fn every_sql_file_is_used() {
    let folder = root().join("crates/metastore-sql");
    let code: String = files_below(&folder.join("src"), ".rs").iter().map(|p| read(p)).collect();
    for path in files_below(&folder.join("sql"), ".sql") {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // `x.sql` or, where the databases differ, `x.postgres.sql` beside `x.sqlite.sql`.
        let statement = name.split('.').next().unwrap_or_default();
        let is_named =
            code.contains(&format!("\"{statement}\"")) || code.contains(&format!("/{name}\""));
        assert!(is_named, "{} is named nowhere in the code", shown(&path));
    }
}

/// Where the service writes without saying what happens: what tells of it is in there too, or it is a
/// mark that only the service reads.
const WRITES: &[&str] = &[
    "crates/service/src/answers.rs",
    "crates/service/src/events.rs",
    "crates/service/src/outcome.rs",
];

#[test]
fn every_write_of_the_service_says_what_happens() {
    let mut writing = Vec::new();
    for path in files_below(&root().join("crates/service/src"), ".rs") {
        let code: String = read(&path).split_whitespace().collect();
        if code.contains("metastore.apply(") {
            writing.push(shown(&path));
        }
    }

    assert_eq!(writing, WRITES, "changes are made by Service::apply or Service::apply_surely");
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |database: &str| -> BTreeSet<String> {
        let folder = root().join("migrations").join(database);
        let files = files_below(&folder, ".sql").into_iter();
        files.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect()
    };
    let postgres = names("postgres");

    assert_eq!(postgres, names("sqlite"));
    assert!(!postgres.is_empty(), "there are no migrations");
    let code = read(&root().join("crates/metastore-sql/src/migrate.rs"));
    for name in postgres {
        assert!(code.contains(&name), "migration {name} is not embedded in the binary");
    }
}
