-- $1 realm   $2 the least id that stays   $3 so many at most
delete from event
where realm = $1 and id in (
    select e.id from event e
    where e.realm = $1 and e.id < $2
        and not exists (
            select 1 from event_delivery d where d.realm = e.realm and d.event_id = e.id
        )
    order by e.id
    limit $3
)
returning 1
