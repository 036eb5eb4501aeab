-- Another replica may be at it: what that one removes is not waited for.
delete from metrics_report
where (id, realm) in (
    select m.id, m.realm from metrics_report m
    where m.created_ms < $1
    order by m.created_ms
    limit $2
    for update skip locked
)
returning id
