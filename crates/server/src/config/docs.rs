//! Keeps `docs/configuration.md` in step with the registry.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use merak_model::features::{ALL, FlagKind};

use super::features;
use super::keys::environment_form;
use super::registry::{GROUPS, Row};

const BEGIN: &str = "<!-- Made from the registry: below, nothing is written by hand. -->\n";
const END: &str = "<!-- Above, nothing is written by hand. -->\n";

#[test]
fn the_documented_settings_are_those_of_the_registry() {
    let path = path();
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has the mark where tables begin");
    let (_, after) = rest.split_once(END).expect("the page has the mark where tables end");
    let wanted = format!("{before}{BEGIN}{}{END}{after}", tables());

    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    } else {
        assert!(
            page == wanted,
            "docs/configuration.md is out of step with the registry of settings; rewrite it with \
             UPDATE_DOCS=1 cargo test -p merak-server --lib documented_settings"
        );
    }
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md")
}

fn tables() -> String {
    let mut text = String::new();
    for group in GROUPS {
        let title = group.title;
        write!(text, "\n### {title}\n\n").unwrap();
        text.push_str("| Property, environment variable | Value | Default | Meaning |\n");
        text.push_str("|---|---|---|---|\n");
        group.rows.iter().for_each(|row| text.push_str(&line(row)));
    }
    text.push_str("\n### Features\n\n");
    text.push_str(
        "| Property, environment variable | Value | Default | Catalog property | Meaning |\n",
    );
    text.push_str("|---|---|---|---|---|\n");
    for flag in ALL {
        let key = features::key(flag);
        let variable = environment_form(&key);
        let value = match flag.kind {
            FlagKind::Bool => "`true` or `false`",
            FlagKind::Integer => "a whole number",
            FlagKind::List => "a JSON array of texts",
        };
        let of_catalogs: Vec<String> =
            flag.catalog_properties.iter().map(|name| format!("`{name}`")).collect();
        let of_catalogs = of_catalogs.join("<br>");
        let (default, effect) = (flag.default, flag.effect);
        writeln!(
            text,
            "| `{key}`<br>`{variable}` | {value} | `{default}` | {of_catalogs} | {effect} |"
        )
        .unwrap();
    }
    text.push('\n');
    text
}

fn line(row: &Row) -> String {
    let mut names: Vec<String> =
        row.keys().chain(row.realm_key).map(|key| format!("`{key}`")).collect();
    names.extend(row.variable.map(|name| format!("`{name}`")));
    names.push(format!("`{}`", environment_form(row.key)));
    let default = if row.default.is_empty() { String::new() } else { format!("`{}`", row.default) };
    format!("| {} | {} | {default} | {} |\n", names.join("<br>"), row.expected, row.meaning)
}
