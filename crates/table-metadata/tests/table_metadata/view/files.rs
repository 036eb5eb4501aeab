//! Where a view's metadata files are, and how they are written.

use merak_table_metadata::{view_metadata_folder, view_wants_gzip};
use serde_json::json;

use super::support::{a_view, refusal, view};
use crate::support::with;

const CODEC: &str = "write.metadata.compression-codec";

#[test]
fn views_are_written_with_gzip_unless_they_say_otherwise() {
    assert_eq!(view_wants_gzip(&view(&a_view())), Ok(true));
    for (codec, gzip) in [("gzip", true), ("GZIP", true), ("none", false), ("None", false)] {
        let document = with(a_view(), &[("properties", json!({ CODEC: codec }))]);
        assert_eq!(view_wants_gzip(&view(&document)), Ok(gzip), "{codec}");
    }
    let document = with(a_view(), &[("properties", json!({ CODEC: "zstd" }))]);
    assert_eq!(
        refusal(view_wants_gzip(&view(&document))),
        "Invalid view property write.metadata.compression-codec: expected none or gzip, not zstd"
    );
}

#[test]
fn metadata_files_are_below_the_location_or_where_the_view_says() {
    assert_eq!(view_metadata_folder(&view(&a_view())), "s3://lake/recent_orders/metadata");
    let slash = with(a_view(), &[("location", json!("s3://lake/v/"))]);
    assert_eq!(view_metadata_folder(&view(&slash)), "s3://lake/v/metadata");
    for (path, folder) in [
        ("s3://other/m/", "s3://other/m"),
        ("s3://other/m", "s3://other/m"),
        ("", "s3://lake/recent_orders/metadata"),
    ] {
        let document = with(a_view(), &[("properties", json!({ "write.metadata.path": path }))]);
        assert_eq!(view_metadata_folder(&view(&document)), folder, "{path}");
    }
}
