-- Takes the task that has been due for the longest time.
--
-- $1 realms, a JSON array   $2 owner   $3 now   $4 when it is due again
update task
set state = 'running', owner = $2, due_ms = $4, attempts = attempts + 1, updated_ms = $3
where (id, realm) = (
    select id, realm from task
    where state in ('waiting', 'running') and due_ms <= $3
        and realm in (select value from json_each($1))
    order by due_ms
    limit 1
)
returning id, kind, catalog_id, subject, details, state, progress, attempts, error, due_ms, created_ms,
    updated_ms, realm
