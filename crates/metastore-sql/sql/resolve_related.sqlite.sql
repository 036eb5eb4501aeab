-- As resolve_related.postgres.sql. Two parts, and not one over a union: that would be made up of all
-- grants there are.
union all
select 7, e.id, e.catalog_id, e.parent_id, e.type_code, e.sub_type_code, e.name, e.version,
    e.created_ms, e.updated_ms, e.properties, e.internal, e.location, (
        select n.name from entity n
        where n.realm = $1 and n.id = e.parent_id and n.type_code = 6
    ), null, cast(g.privilege as text)
from entity one
cross join grant_record g on not $9 and g.realm = $1 and g.grantee_id = one.id
    and ($10 is null or g.privilege = $10)
    and (not $11 or g.securable_catalog_id = (select c.id from catalog c))
cross join entity e on e.realm = $1 and e.id = g.securable_id
where one.realm = $1 and one.type_code = json_extract($8, '$[0].kind')
    and one.name = json_extract($8, '$[0].name')
    and one.parent_id = (
        case when json_extract($8, '$[0].kind') = 5 then (select c.id from catalog c) else 0 end
    )
union all
select 7, e.id, e.catalog_id, e.parent_id, e.type_code, e.sub_type_code, e.name, e.version,
    e.created_ms, e.updated_ms, e.properties, e.internal, e.location, (
        select n.name from entity n
        where n.realm = $1 and n.id = e.parent_id and n.type_code = 6
    ), null, cast(g.privilege as text)
from entity one
cross join grant_record g on $9 and g.realm = $1 and g.securable_id = one.id and g.privilege = $10
cross join entity e on e.realm = $1 and e.id = g.grantee_id
where one.realm = $1 and one.type_code = json_extract($8, '$[0].kind')
    and one.name = json_extract($8, '$[0].name')
    and one.parent_id = (
        case when json_extract($8, '$[0].kind') = 5 then (select c.id from catalog c) else 0 end
    )
