-- Where there is an answer that is not expired, it stays as it is, and comes back.
insert into idempotency_record (
    realm, principal, key, fingerprint, answer, created_ms, expires_ms
)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (principal, key, realm) do update
set fingerprint = case when idempotency_record.expires_ms <= excluded.created_ms
        then excluded.fingerprint else idempotency_record.fingerprint end,
    answer = case when idempotency_record.expires_ms <= excluded.created_ms
        then excluded.answer else idempotency_record.answer end,
    created_ms = case when idempotency_record.expires_ms <= excluded.created_ms
        then excluded.created_ms else idempotency_record.created_ms end,
    expires_ms = case when idempotency_record.expires_ms <= excluded.created_ms
        then excluded.expires_ms else idempotency_record.expires_ms end
returning fingerprint, answer, created_ms, expires_ms
