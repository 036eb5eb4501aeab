//! The error envelope of the Iceberg REST protocol and of Polaris' APIs.

use serde::Serialize;

/// `{"error": {..}}`.
#[derive(Debug, Serialize)]
pub struct ErrorResponse<'a> {
    /// What went wrong.
    pub error: ErrorModel<'a>,
}

/// What went wrong.
#[derive(Debug, Serialize)]
pub struct ErrorModel<'a> {
    /// What was wrong and, where the caller can mend it, how.
    pub message: &'a str,
    /// The exception that Iceberg clients raise on reading this.
    pub r#type: &'a str,
    /// The status of the answer.
    pub code: u16,
}
