-- Appended to resolve: what is looked up by name.
--
-- $8 a JSON array of {kind, namespace, name}: kind is the type; the namespace is null for what is in none
union all
select 6, e.id, e.catalog_id, e.parent_id, e.type_code, e.sub_type_code, e.name, e.version,
    e.created_ms, e.updated_ms, e.properties, e.internal, e.location, e.metadata_location,
    null::bytea, (
        select string_agg(g.privilege::text, ',')
        from grantee r
        cross join lateral (
            select g.privilege from grant_record g
            where g.realm = $1 and g.securable_id = e.id and g.grantee_id = r.id
            offset 0
        ) g
    )
from json_to_recordset($8::json) as wanted (kind int, namespace text, name text)
cross join lateral (
    select e.* from entity e
    where e.realm = $1 and e.type_code = wanted.kind and e.name = wanted.name
        and e.parent_id = (
            case when wanted.namespace is not null
                     then (select n.id from namespace n where n.name = wanted.namespace)
                 when wanted.kind = 5 then (select c.id from catalog c)
                 else 0 end
        )
    offset 0
) e
