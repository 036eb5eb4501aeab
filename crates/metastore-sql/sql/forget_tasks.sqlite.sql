-- $1 realms, a JSON array   $2 those that ended before   $3 so many at most
delete from task where (id, realm) in (
    select id, realm from task
    where state in ('done', 'failed') and updated_ms < $2
        and realm in (select value from json_each($1))
    order by updated_ms
    limit $3
)
returning id
