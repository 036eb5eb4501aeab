-- Who is calling, what is on a path, what the caller's roles hold on it, and a page of children.
--
-- $1 realm                $2 principal            $3 role names, a JSON array, or null for all
-- $4 catalog              $5 namespaces, a JSON array of encoded paths, each with all above it
-- $6 tables, a JSON array of {namespace, name, known}: known is the metadata the caller has at hand
-- $7 type of the children, 0 for none             $8 their sub type, 0 for any
-- $9 the namespace whose children, or null for the catalog's, or the root's where $4 is null
-- $10 only names after this                       $11 at most so many
--
-- It is built so that no statistics are needed for a good plan: each step is materialized and small,
-- and reaches the next table by its whole key. Privileges are a sub-select for each entity, which can
-- only be carried out as one descent of the primary key for each role.
with caller as materialized (
    select e.id, e.name from entity e where e.realm = $1 and e.id = $2 and e.type_code = 2
),
activated as materialized (
    select r.id, r.name
    from caller c
    cross join lateral (
        select g.securable_id from grant_record g
        where g.realm = $1 and g.grantee_id = c.id and g.privilege = 4
        offset 0
    ) g
    cross join lateral (
        select e.id, e.name from entity e
        where e.realm = $1 and e.id = g.securable_id and e.type_code = 3
        offset 0
    ) r
    where $3::text is null or r.name = any (array(select json_array_elements_text($3::json)))
),
catalog as materialized (
    select e.* from entity e
    where e.realm = $1 and e.parent_id = 0 and e.type_code = 4 and e.name = $4
),
-- The roles whose privileges count: the principal roles, and what is granted to those of this
-- catalog's roles and no other's.
grantee as materialized (
    select array(
        select a.id from activated a
        union all
        select g.securable_id from activated a
        cross join lateral (
            select g.securable_id from grant_record g
            where g.realm = $1 and g.grantee_id = a.id and g.privilege = 3
                and g.securable_catalog_id = (select c.id from catalog c)
            offset 0
        ) g
    ) as ids
),
namespace as materialized (
    select e.* from entity e
    where e.realm = $1 and e.catalog_id = (select c.id from catalog c) and e.type_code = 6
        and e.name = any (array(select json_array_elements_text($5::json)))
),
securable as (
    select 3 as part, c.id, c.catalog_id, c.parent_id, c.type_code, c.sub_type_code, c.name,
        c.version, c.created_ms, c.updated_ms, c.properties, c.internal, c.location,
        c.metadata_location, null::bytea as metadata
    from catalog c
    union all
    select 4, n.id, n.catalog_id, n.parent_id, n.type_code, n.sub_type_code, n.name,
        n.version, n.created_ms, n.updated_ms, n.properties, n.internal, n.location,
        n.metadata_location, null
    from namespace n
    union all
    select 5, t.id, t.catalog_id, t.parent_id, t.type_code, t.sub_type_code, t.name,
        t.version, t.created_ms, t.updated_ms, t.properties, t.internal, t.location,
        t.metadata_location, t.metadata
    from json_to_recordset($6::json) as wanted (namespace text, name text, known text)
    join namespace n on n.name = wanted.namespace
    cross join lateral (
        select e.id, e.catalog_id, e.parent_id, e.type_code, e.sub_type_code, e.name,
            e.version, e.created_ms, e.updated_ms, e.properties, e.internal, e.location,
            e.metadata_location,
            case when (e.metadata_location = wanted.known) is not true then e.metadata end
                as metadata
        from entity e
        where e.realm = $1 and e.parent_id = n.id and e.type_code = 7 and e.name = wanted.name
        offset 0
    ) t
)
select 0 as part, c.id, null::bigint as catalog_id, null::bigint as parent_id,
    null::int as type_code, null::int as sub_type_code, c.name, null::bigint as version,
    null::bigint as created_ms, null::bigint as updated_ms, null::text as properties,
    null::text as internal, null::text as location, null::text as metadata_location,
    null::bytea as metadata, null::text as privileges
from caller c
union all
select 1, a.id, null, null, null, null, a.name, null, null, null, null, null, null, null, null, null
from activated a
union all
select 2, 0, null, null, null, null, null, null, null, null, null, null, null, null, null, (
    select string_agg(g.privilege::text, ',') from grant_record g
    where g.realm = $1 and g.securable_id = 0
        and g.grantee_id = any ((select e.ids from grantee e)::bigint[])
)
union all
select s.*, (
    select string_agg(g.privilege::text, ',') from grant_record g
    where g.realm = $1 and g.securable_id = s.id
        and g.grantee_id = any ((select e.ids from grantee e)::bigint[])
)
from securable s
union all
select * from (
    select 6, e.id, e.catalog_id, e.parent_id, e.type_code, e.sub_type_code, e.name, e.version,
        e.created_ms, e.updated_ms, e.properties, e.internal, e.location, e.metadata_location,
        null::bytea, null
    from entity e
    where $7 <> 0
        and e.realm = $1
        and e.parent_id = (
            case when $9::text is not null then (select n.id from namespace n where n.name = $9)
                 when $4::text is not null then (select c.id from catalog c)
                 else 0 end
        )
        and e.type_code = $7
        and ($8 = 0 or e.sub_type_code = $8)
        and e.name > $10
    order by e.name
    limit $11
) child
