//! Answers to requests that carried an idempotency key, as rows.

use async_trait::async_trait;
use merak_metastore::{AnswerRecord, Answers, Error};
use merak_model::RealmId;
use serde_json::json;

use crate::connection::Param;
use crate::{SqlMetastore, apply, statement as sql};

#[async_trait]
impl Answers for SqlMetastore {
    async fn settle_answer(
        &self,
        realm: &RealmId,
        record: &AnswerRecord,
    ) -> Result<AnswerRecord, Error> {
        let row = apply::run(&self.writes, &sql::SETTLE_ANSWER, &params(realm, record)).await?;
        let row = row.ok_or_else(|| Error::Corrupt("an answer was not kept".to_owned()))?;
        Ok(AnswerRecord {
            principal: record.principal.clone(),
            key: record.key.clone(),
            fingerprint: row.text(0)?.to_owned(),
            answer: row.text(1)?.to_owned(),
            created_ms: row.int(2)?,
            expires_ms: row.int(3)?,
        })
    }

    async fn forget_answers(&self, now_ms: i64, limit: u32) -> Result<u64, Error> {
        let params = [Param::Int(now_ms), Param::Int(limit.into())];
        let forgotten = apply::run_all(&self.writes, &sql::FORGET_ANSWERS, &params).await?;
        Ok(forgotten.len() as u64)
    }
}

/// A record as the triggers of the table of entities read it.
pub(crate) fn to_json(record: &AnswerRecord) -> String {
    json!({
        "principal": record.principal,
        "key": record.key,
        "fingerprint": record.fingerprint,
        "answer": record.answer,
        "created_ms": record.created_ms,
        "expires_ms": record.expires_ms,
    })
    .to_string()
}

/// A record as the parameters of `add_answer.sql`.
pub(crate) fn params<'a>(realm: &'a RealmId, record: &'a AnswerRecord) -> [Param<'a>; 7] {
    [
        Param::realm(realm),
        Param::Text(&record.principal),
        Param::Text(&record.key),
        Param::Text(&record.fingerprint),
        Param::Text(&record.answer),
        Param::Int(record.created_ms),
        Param::Int(record.expires_ms),
    ]
}
