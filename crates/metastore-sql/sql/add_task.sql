insert into task (
    realm, id, kind, catalog_id, subject, details, state, progress, attempts, due_ms, created_ms,
    updated_ms
)
values ($1, $2, $3, $4, $5, $6, 'waiting', '{}', 0, $7, $7, $7)
