delete from audit_record
where (id, realm) in (
    select id, realm from audit_record
    where id < $1
    order by id
    limit $2
)
returning id
