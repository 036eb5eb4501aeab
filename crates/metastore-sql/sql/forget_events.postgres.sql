-- Another replica may be at it: what that one removes is not waited for. The old ones are found once,
-- whatever the plan: found again after some are gone, they would be more than so many.
--
-- $1 realm   $2 the least id that stays   $3 so many at most
with old as materialized (
    select e.realm, e.id from event e
    where e.realm = $1 and e.id < $2
        and not exists (
            select from event_delivery d where d.realm = e.realm and d.event_id = e.id
        )
    order by e.id
    limit $3
    for update of e skip locked
)
delete from event e using old where e.realm = old.realm and e.id = old.id
returning 1
