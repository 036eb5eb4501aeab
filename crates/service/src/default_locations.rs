//! Where a table or view lies that says nothing.

use std::fmt::Write as _;

use merak_authz::ResolvedNamespace;
use merak_model::TableIdent;
use merak_model::features::{
    ALLOW_UNSTRUCTURED_TABLE_LOCATION, CatalogFeatures,
    DEFAULT_LOCATION_OBJECT_STORAGE_PREFIX_ENABLED, DEFAULT_UNIQUE_TABLE_LOCATION_ENABLED,
};
use uuid::Uuid;

use crate::Error;
use crate::locations::{base_location, catalog_location};

/// Where a table or view lies that says nothing: below its namespace, under its name; or spread
/// over the catalog.
pub(crate) fn default_table_location(
    namespace: &ResolvedNamespace,
    ident: &TableIdent,
    features: CatalogFeatures<'_>,
) -> Result<String, Error> {
    let mut location = if features.is_on(&DEFAULT_LOCATION_OBJECT_STORAGE_PREFIX_ENABLED) {
        if !features.is_on(&ALLOW_UNSTRUCTURED_TABLE_LOCATION) {
            return Err(Error::BadRequest(format!(
                "Tables cannot be spread over the catalog {}, since they may not lie outside \
                 their namespaces: {} needs {}",
                namespace.catalog.name,
                DEFAULT_LOCATION_OBJECT_STORAGE_PREFIX_ENABLED.name,
                ALLOW_UNSTRUCTURED_TABLE_LOCATION.name,
            )));
        }
        format!("{}/{}", catalog_location(&namespace.catalog)?, spread(ident))
    } else {
        format!("{}/{}", base_location(namespace)?, ident.name)
    };
    if features.is_on(&DEFAULT_UNIQUE_TABLE_LOCATION_ENABLED) {
        location.push('-');
        location.push_str(&Uuid::new_v4().simple().to_string());
    }
    Ok(location)
}

/// Folders named after the hash of a name, as Iceberg's own layout for object stores has them, and
/// the name: 20 bits of the hash, four for each of three folders and the rest for a fourth.
fn spread(ident: &TableIdent) -> String {
    let bits = format!("{:020b}", murmur3(ident.to_string().as_bytes()) & 0xF_FFFF);
    let mut path = format!("{}/{}/{}/{}", &bits[..4], &bits[4..8], &bits[8..12], &bits[12..]);
    for level in ident.namespace.levels().iter().map(String::as_str).chain([ident.name.as_str()]) {
        path.push('/');
        encode(level, &mut path);
    }
    path
}

/// Appends a name as it is written in a form, as Java does it: what is no plain letter or digit
/// could have a meaning in a path.
fn encode(name: &str, path: &mut String) {
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => {
                path.push(char::from(byte));
            }
            b' ' => path.push('+'),
            _ => write!(path, "%{byte:02X}").expect("a String takes everything"),
        }
    }
}

/// `MurmurHash3`, 32 bits, with the seed 0 (of Austin Appleby, who put it in the public domain).
fn murmur3(bytes: &[u8]) -> u32 {
    fn mixed(block: u32) -> u32 {
        block.wrapping_mul(0xCC9E_2D51).rotate_left(15).wrapping_mul(0x1B87_3593)
    }
    let mut hash = 0_u32;
    let (blocks, rest) = bytes.as_chunks::<4>();
    for block in blocks {
        hash ^= mixed(u32::from_le_bytes(*block));
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xE654_6B64);
    }
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    hash ^= mixed(u32::from_le_bytes(last));
    // The length counts modulo 2^32.
    #[expect(clippy::cast_possible_truncation, reason = "as the hash has it")]
    let length = bytes.len() as u32;
    hash ^= length;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85EB_CA6B);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xC2B2_AE35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use merak_model::Namespace;

    use super::*;

    fn ident(levels: &[&str], name: &str) -> TableIdent {
        let levels = levels.iter().map(|level| (*level).to_owned()).collect();
        TableIdent { namespace: Namespace::lookup(levels).unwrap(), name: name.to_owned() }
    }

    #[test]
    fn the_hash_is_that_of_others() {
        for (text, hash) in [
            ("", 0),
            ("hello", 0x248B_FA47),
            ("hello, world", 0x149B_BB7F),
            ("The quick brown fox jumps over the lazy dog", 0x2E4F_F723),
        ] {
            assert_eq!(murmur3(text.as_bytes()), hash, "{text}");
        }
    }

    #[test]
    fn a_name_is_spread_over_four_folders_and_stays_readable() {
        let path = spread(&ident(&["sales", "eu"], "orders"));

        let (folders, name) = path.split_at(24);
        assert_eq!(name, "sales/eu/orders");
        let lengths: Vec<_> = folders.trim_end_matches('/').split('/').map(str::len).collect();
        assert_eq!(lengths, [4, 4, 4, 8]);
        assert!(folders.chars().all(|c| matches!(c, '0' | '1' | '/')), "{folders}");
        assert_ne!(folders, &spread(&ident(&["sales", "eu"], "orders2"))[..24]);
    }

    #[test]
    fn what_could_mean_something_in_a_path_is_encoded() {
        let path = spread(&ident(&["a/b"], "größe 1%"));

        assert!(path.ends_with("/a%2Fb/gr%C3%B6%C3%9Fe+1%25"), "{path}");
    }
}
