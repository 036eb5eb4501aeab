//! Answers to requests that carried an idempotency key, apart from the changes they came of.

use async_trait::async_trait;
use merak_model::RealmId;

use crate::{AnswerRecord, Error};

/// What is remembered of requests with an idempotency key. An answer to a request that changes
/// something is remembered with the change: [`crate::Change::Answer`].
#[async_trait]
pub trait Answers {
    /// Remembers `record`, unless its principal's key has an answer that is not expired. Gives back
    /// what the key has then, in one statement: of duplicates that ask at once, all get the same.
    async fn settle_answer(
        &self,
        realm: &RealmId,
        record: &AnswerRecord,
    ) -> Result<AnswerRecord, Error>;

    /// Forgets up to `limit` answers, of all realms, that expired by `now_ms`, which is in
    /// milliseconds since 1970. How many there were. Replicas may do so at the same time.
    async fn forget_answers(&self, now_ms: i64, limit: u32) -> Result<u64, Error>;
}
