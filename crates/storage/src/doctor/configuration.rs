//! What can be seen of a catalog's configuration without asking anybody.

use merak_model::Location;
use serde_json::Value;

use super::DiagnosisRequest;
use super::advice::{Advice, catalog};
use super::walk::Walk;

/// The name of the step.
pub(super) const CONFIGURATION: &str = "configuration";

/// The base location, if it and the rest of the configuration will do; `further` checks what is
/// particular to the cloud and says what there is to say.
pub(super) fn check(
    asked: &DiagnosisRequest,
    walk: &mut Walk,
    further: impl FnOnce(&Location) -> Result<String, String>,
) -> Option<Location> {
    let checked = base_location(asked).and_then(|base| further(&base).map(|detail| (base, detail)));
    match checked {
        Ok((base, detail)) => {
            walk.pass(CONFIGURATION, format!("base location {base}; {detail}"));
            Some(base)
        }
        Err(said) => {
            let advice = advise(asked, &said);
            walk.fail(CONFIGURATION, said, advice);
            None
        }
    }
}

fn base_location(asked: &DiagnosisRequest) -> Result<Location, String> {
    let config = &asked.store.config;
    if let Some(found) = invisible_in(&config.to_json()).or_else(|| invisible(&asked.base)) {
        return Err(found);
    }
    if asked.base.is_empty() {
        return Err("the catalog has no default-base-location".to_owned());
    }
    let base = Location::parse(&asked.base).map_err(|error| error.to_string())?;
    if base.storage_type() != config.storage_type() {
        return Err(format!(
            "the base location {base} is {}, and the catalog's storage is {}",
            base.storage_type(),
            config.storage_type()
        ));
    }
    if !config.allows(&base) {
        return Err(format!(
            "the base location {base} is not within the allowed locations: {}",
            config.allowed_locations.join(", ")
        ));
    }
    Ok(base)
}

/// The first invisible character in the texts of a configuration, and where it is.
fn invisible_in(json: &str) -> Option<String> {
    fn search(value: &Value, name: &str) -> Option<String> {
        match value {
            Value::String(text) => invisible(text).map(|found| format!("{name}: {found}")),
            Value::Array(values) => values.iter().find_map(|value| search(value, name)),
            Value::Object(fields) => fields.iter().find_map(|(name, value)| search(value, name)),
            Value::Null | Value::Bool(_) | Value::Number(_) => None,
        }
    }
    search(&serde_json::from_str(json).ok()?, "storageConfigInfo")
}

/// Such characters come along when names are copied from a terminal or a web page.
fn invisible(text: &str) -> Option<String> {
    let is_invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2064}' | '\u{feff}')
    };
    let (before, c) = text.chars().enumerate().find(|(_, c)| is_invisible(*c))?;
    Some(format!(
        "'{}' has an invisible character, U+{:04X}, after {before} characters",
        text.escape_debug(),
        u32::from(c)
    ))
}

fn advise(asked: &DiagnosisRequest, said: &str) -> Advice {
    let cause = if said.contains("invisible character") {
        "A name was copied together with a character that is not seen"
    } else if said.contains("allowed locations") {
        "The catalog's allowedLocations were changed, or never held its base location"
    } else {
        "The catalog's configuration does not fit its storage"
    };
    Advice::new(cause).with(catalog(&asked.catalog))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invisible_character_is_shown_with_its_place() {
        let json = "{\"storageType\":\"S3\",\"roleArn\":\"arn:aws:iam::1:role/la\u{200b}ke\"}";

        let found = invisible_in(json).unwrap();

        assert_eq!(
            found,
            "roleArn: 'arn:aws:iam::1:role/la\\u{200b}ke' has an invisible character, U+200B, \
             after 22 characters"
        );
        assert_eq!(invisible_in(r#"{"roleArn":"ärger","x":[1,true,null,"a b"]}"#), None);
    }
}
