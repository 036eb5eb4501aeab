-- Appended to resolve_named: how the caller comes to hold what it holds. Part 8 is a role of the
-- catalog that counts, with the name of the principal role that has it as metadata location; part 9
-- a grant, with what it is on as id and who holds it as catalog.
union all
select 8, e.id, e.catalog_id, e.parent_id, e.type_code, e.sub_type_code, e.name, e.version,
    e.created_ms, e.updated_ms, e.properties, e.internal, e.location, a.name, null::bytea, null
from activated a
cross join catalog c
cross join lateral (
    select g.securable_id from grant_record g
    where g.realm = $1 and g.grantee_id = a.id and g.privilege = 3 and g.securable_catalog_id = c.id
    offset 0
) g
cross join lateral (
    select e.* from entity e where e.realm = $1 and e.id = g.securable_id
    offset 0
) e
union all
select 9, s.id, r.id, null, null, null, null, null, null, null, null, null, null, null, null::bytea,
    g.privilege::text
from (
    select s.id from securable s
    union all
    select e.id
    from json_to_recordset($8::json) as wanted (kind int, namespace text, name text)
    cross join lateral (
        select e.id from entity e
        where e.realm = $1 and e.type_code = wanted.kind and e.name = wanted.name
            and e.parent_id = (
                case when wanted.namespace is not null
                         then (select n.id from namespace n where n.name = wanted.namespace)
                     when wanted.kind = 5 then (select c.id from catalog c)
                     else 0 end
            )
        offset 0
    ) e
) s
cross join grantee r
cross join lateral (
    select g.privilege from grant_record g
    where g.realm = $1 and g.securable_id = s.id and g.grantee_id = r.id
    offset 0
) g
