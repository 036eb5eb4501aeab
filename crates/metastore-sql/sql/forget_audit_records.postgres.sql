-- Another replica may be at it: what that one removes is not waited for.
delete from audit_record
where (id, realm) in (
    select id, realm from audit_record
    where id < $1
    order by id
    limit $2
    for update skip locked
)
returning id
