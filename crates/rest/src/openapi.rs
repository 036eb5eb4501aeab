//! The API documents, as they are published.

use axum::extract::Path;
use axum::response::Response;

use crate::error::{ApiError, ErrorKind};

/// The documents: their names under `/api/openapi/`, and their texts.
pub(crate) const DOCUMENTS: &[(&str, &str)] = &[
    ("iceberg.json", include_str!("../../../openapi/iceberg.json")),
    ("management.json", include_str!("../../../openapi/management.json")),
];

/// `GET /api/openapi/{document}`
pub(crate) async fn document(Path(name): Path<String>) -> Result<Response, ApiError> {
    let found = DOCUMENTS.iter().find(|(document, _)| *document == name);
    let (_, text) = found.ok_or_else(|| {
        let names: Vec<_> = DOCUMENTS.iter().map(|(document, _)| *document).collect();
        ApiError::new(
            ErrorKind::NotFound,
            format!("There is no such API document; there are: {}", names.join(", ")),
        )
    })?;
    Ok(crate::raw_json(text.as_bytes().to_vec()))
}
