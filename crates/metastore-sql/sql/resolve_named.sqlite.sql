-- As resolve_named.postgres.sql.
union all
select 6, e.id, e.catalog_id, e.parent_id, e.type_code, e.sub_type_code, e.name, e.version,
    e.created_ms, e.updated_ms, e.properties, e.internal, e.location, e.metadata_location,
    null, (
        select group_concat(g.privilege)
        from grantee r
        cross join grant_record g on g.realm = $1 and g.securable_id = e.id and g.grantee_id = r.id
    )
from json_each($8) wanted
cross join entity e on e.realm = $1
    and e.type_code = json_extract(wanted.value, '$.kind')
    and e.name = json_extract(wanted.value, '$.name')
    and e.parent_id = (
        case when json_extract(wanted.value, '$.namespace') is not null
                 then (
                     select n.id from namespace n
                     where n.name = json_extract(wanted.value, '$.namespace')
                 )
             when json_extract(wanted.value, '$.kind') = 5 then (select c.id from catalog c)
             else 0 end
    )
