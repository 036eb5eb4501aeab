-- Those that another replica forgets at the moment, or that become other answers, are passed over.
delete from idempotency_record
where (principal, key, realm) in (
    select r.principal, r.key, r.realm from idempotency_record r
    where r.expires_ms <= $1
    order by r.expires_ms
    limit $2
    for update skip locked
)
returning 1
