-- Another replica may be at it: what that one removes is not waited for.
delete from audit_record
where (id, realm) in (
    select a.id, a.realm from audit_record a
    where a.id < $1
    order by a.id
    limit $2
    for update skip locked
)
returning id
