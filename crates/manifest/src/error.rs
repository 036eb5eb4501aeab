//! Why a file could not be read.

/// Why a manifest list or a manifest could not be read. Texts continue a sentence that names it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not begin as Avro files do.
    #[error("it is no Avro file")]
    NotAvro,
    /// It is broken, or not what it should be: no manifest, or compressed in an unknown way.
    #[error("it is damaged: {0}")]
    Malformed(String),
    /// It goes beyond one of the limits.
    #[error("it has more {what} than {limit}")]
    TooLarge {
        /// Of what there is too much.
        what: &'static str,
        /// The most that is accepted.
        limit: u64,
    },
}

impl Error {
    pub(crate) fn malformed(reason: &str) -> Self {
        Self::Malformed(reason.to_owned())
    }

    pub(crate) fn cut_short() -> Self {
        Self::malformed("it ends too early")
    }
}
