delete from audit_record
where (id, realm) in (
    select a.id, a.realm from audit_record a
    where a.id < $1
    order by a.id
    limit $2
)
returning id
