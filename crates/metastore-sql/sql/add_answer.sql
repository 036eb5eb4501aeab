-- No row comes back where there is one that is not expired.
insert into idempotency_record (
    realm, principal, key, fingerprint, answer, created_ms, expires_ms
)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (principal, key, realm) do update
set fingerprint = excluded.fingerprint, answer = excluded.answer,
    created_ms = excluded.created_ms, expires_ms = excluded.expires_ms
where idempotency_record.expires_ms <= excluded.created_ms
returning 1
