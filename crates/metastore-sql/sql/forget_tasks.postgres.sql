-- $1 realms, a JSON array   $2 those that ended before   $3 so many at most
delete from task t using (
    select id, realm from task
    where state in ('done', 'failed') and updated_ms < $2
        and realm = any (array(select json_array_elements_text($1::json)))
    order by updated_ms
    limit $3
    for update skip locked
) old
where t.id = old.id and t.realm = old.realm
returning t.id
