delete from idempotency_record
where (principal, key, realm) in (
    select r.principal, r.key, r.realm from idempotency_record r
    where r.expires_ms <= $1
    order by r.expires_ms
    limit $2
)
returning 1
