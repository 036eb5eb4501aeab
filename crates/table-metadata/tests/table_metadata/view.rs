//! Views: the same questions as of tables, and those of versions and dialects.

mod arbitrary_input;
mod commits;
mod dialects;
mod files;
mod history;
mod lossless;
mod new_views;
mod reading;
mod requests;
mod schemas;
mod support;
mod versions;
