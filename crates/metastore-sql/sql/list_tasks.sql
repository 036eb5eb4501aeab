select id, kind, catalog_id, subject, details, state, progress, attempts, error, due_ms, created_ms,
    updated_ms
from task where realm = $1 and catalog_id = $2 and id > $3
order by id
limit $4
