-- $1 realms, a JSON array   $2 the least id that stays   $3 so many at most
delete from audit_record
where (id, realm) in (
    select id, realm from audit_record
    where id < $2 and realm in (select value from json_each($1))
    order by id
    limit $3
)
returning id
