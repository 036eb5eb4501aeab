-- The sinks that something is pending to are found one after the other, and so by one look-up each.
--
-- $1 realms, a JSON array   $2 the sinks that there are, a JSON array   $3 so many at most
with recursive known (sink) as (
    select min(d.sink) from event_delivery d
    union all
    select (select min(d.sink) from event_delivery d where d.sink > k.sink)
    from known k where k.sink is not null
), lost as materialized (
    select d.realm, d.event_id, d.sink from known k join event_delivery d on d.sink = k.sink
    where k.sink <> all (array(select json_array_elements_text($2::json)))
        and d.realm = any (array(select json_array_elements_text($1::json)))
    limit $3
)
delete from event_delivery d using lost
where d.realm = lost.realm and d.event_id = lost.event_id and d.sink = lost.sink
returning 1
