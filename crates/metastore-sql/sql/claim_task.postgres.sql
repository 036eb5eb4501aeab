-- Takes the task that has been due for the longest time. Whoever asks at the same time takes another.
--
-- $1 realms, a JSON array   $2 owner   $3 now   $4 when it is due again
with due as (
    select id, realm from task
    where state in ('waiting', 'running') and due_ms <= $3
        and realm = any (array(select json_array_elements_text($1::json)))
    order by due_ms
    limit 1
    for update skip locked
)
update task t
set state = 'running', owner = $2, due_ms = $4, attempts = t.attempts + 1, updated_ms = $3
from due where t.id = due.id and t.realm = due.realm
returning t.id, t.kind, t.catalog_id, t.subject, t.details, t.state, t.progress, t.attempts, t.error,
    t.due_ms, t.created_ms, t.updated_ms, t.realm
