//! What clients can rely on when metadata of tables and views is read, made and changed.

#![expect(clippy::needless_pass_by_value, reason = "helpers take what `json!` makes")]

mod arbitrary_input;
mod create_commits;
mod definitions_in_use;
mod files;
mod format_versions;
mod history;
mod lossless;
mod new_tables;
mod partition_specs;
mod properties;
mod reading;
mod references;
mod repeated;
mod requests;
mod requirements;
mod rollbacks;
mod row_lineage;
mod schemas;
mod snapshots;
mod sort_orders;
mod statistics;
mod support;
mod view;
