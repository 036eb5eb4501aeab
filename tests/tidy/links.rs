//! Links in our documents lead somewhere.

use crate::{files_below, read, root, shown};

/// The targets of a document's links, `[text](target)`, code blocks left out.
fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        for rest in line.split("](").skip(1) {
            if let Some(end) = rest.find(')') {
                found.push(rest[..end].to_owned());
            }
        }
    }
    found
}

#[test]
fn every_link_to_a_file_leads_to_one() {
    let mut links = 0;
    for path in files_below(&root(), ".md") {
        let folder = path.parent().expect("a file is in a folder");
        for target in targets(&read(&path)) {
            let is_elsewhere = target.contains("://") || target.starts_with("mailto:");
            let file = target.split('#').next().unwrap_or_default();
            if is_elsewhere || file.is_empty() {
                continue;
            }
            links += 1;
            assert!(
                folder.join(file).exists(),
                "{} links to {target}, which is not there",
                shown(&path)
            );
        }
    }
    assert!(links > 0, "no document has a link: is this test looking in the right place?");
}

#[test]
fn links_are_found_in_text_and_not_in_code() {
    let text = "see [a](b.md#c) and [d](e)\n```\n[not](a link)\n```\n";

    assert_eq!(targets(text), ["b.md#c", "e"]);
}
