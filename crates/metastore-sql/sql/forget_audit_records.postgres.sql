-- $1 realms, a JSON array   $2 the least id that stays   $3 so many at most
--
-- Another replica may be at it: what that one removes is not waited for.
delete from audit_record
where (id, realm) in (
    select id, realm from audit_record
    where id < $2 and realm = any (array(select json_array_elements_text($1::json)))
    order by id
    limit $3
    for update skip locked
)
returning id
