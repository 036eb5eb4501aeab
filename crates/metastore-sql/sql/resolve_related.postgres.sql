-- Appended to resolve_named: the grants that the first of what is looked up there holds, or those on
-- it. An entity has here the name of its namespace as metadata location, and the one privilege.
--
-- $9 whether those on it            $10 only this privilege; needed for those on it
-- $11 whether only those on what is in the catalog
union all
select 7, e.id, e.catalog_id, e.parent_id, e.type_code, e.sub_type_code, e.name, e.version,
    e.created_ms, e.updated_ms, e.properties, e.internal, e.location, (
        select n.name from entity n
        where n.realm = $1 and n.id = e.parent_id and n.type_code = 6
    ), null::bytea, g.privilege::text
from (
    select (first ->> 'kind')::int as kind, first ->> 'name' as name
    from (select $8::json -> 0) as wanted (first)
) wanted
cross join lateral (
    select e.id from entity e
    where e.realm = $1 and e.type_code = wanted.kind and e.name = wanted.name
        and e.parent_id = case when wanted.kind = 5 then (select c.id from catalog c) else 0 end
    offset 0
) one
cross join lateral (
    select g.securable_id as other_id, g.privilege from grant_record g
    where not $9 and g.realm = $1 and g.grantee_id = one.id
        and ($10::int is null or g.privilege = $10)
        and (not $11 or g.securable_catalog_id = (select c.id from catalog c))
    union all
    select g.grantee_id, g.privilege from grant_record g
    where $9 and g.realm = $1 and g.securable_id = one.id and g.privilege = $10
    offset 0
) g
cross join lateral (
    select e.* from entity e where e.realm = $1 and e.id = g.other_id
    offset 0
) e
