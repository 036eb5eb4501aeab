-- The sinks that something is pending to are found one after the other, and so by one look-up each.
--
-- $1 realms, a JSON array   $2 the sinks that there are, a JSON array   $3 so many at most
with recursive known (sink) as (
    select min(d.sink) from event_delivery d
    union all
    select (select min(d.sink) from event_delivery d where d.sink > k.sink)
    from known k where k.sink is not null
)
delete from event_delivery
where (realm, event_id, sink) in (
    select d.realm, d.event_id, d.sink from known k cross join event_delivery d
    where d.sink = k.sink and k.sink not in (select value from json_each($2))
        and d.realm in (select value from json_each($1))
    limit $3
)
returning 1
