-- Who is calling, what is on a path, and what the caller's roles hold on it.
--
-- $1 realm                $2 principal, or null   $3 role names, a JSON array, or null for all
-- $4 catalog              $5 namespaces, a JSON array of encoded paths, each with all above it
-- $6 tables, a JSON array of {namespace, name, known}: known is the metadata the caller has at hand
-- $7 the principal's name where $2 is null
--
-- The parts of the answer: 0 a role of the caller, or one without a role if it has none, with the
-- caller's id as catalog, its name as location and its internal properties; 1 the root; 2 the
-- catalog; 3 a namespace; 4 a table. What is appended adds 5 a child; 6 what was looked up by name;
-- 7 a grant related to it; 8 and 9 what explains the privileges; 10 a child's name; 11 a policy that
-- is attached to something of it.
--
-- No statistics are needed for a good plan: each step is small, and reaches the next table by a
-- whole key. "offset 0" keeps the planner from taking a step apart. To set a plan up costs as much as
-- to run it: fewer tables named are worth more than fewer rows.
with activated as materialized (
    select c.id as caller_id, c.name as caller, c.internal, r.id, r.name
    from entity c
    left join lateral (
        select e.id, e.name
        from (
            select g.securable_id from grant_record g
            where g.realm = $1 and g.grantee_id = c.id and g.privilege = 4
            offset 0
        ) g
        cross join lateral (
            select e.id, e.name from entity e
            where e.realm = $1 and e.id = g.securable_id and e.type_code = 3
                and ($3::text is null or $3::jsonb ? e.name)
            offset 0
        ) e
    ) r on true
    where c.realm = $1 and c.type_code = 2 and c.id = coalesce($2::bigint, (
        select p.id from entity p
        where p.realm = $1 and p.parent_id = 0 and p.type_code = 2 and p.name = $7
    ))
),
catalog as materialized (
    select e.* from entity e
    where e.realm = $1 and e.parent_id = 0 and e.type_code = 4 and e.name = $4
),
-- The roles whose privileges count: the caller's, and what is granted to those of this catalog's
-- roles and no other's.
grantee as materialized (
    select a.id from activated a
    union all
    select g.securable_id
    from activated a
    cross join catalog c
    cross join lateral (
        select g.securable_id from grant_record g
        where g.realm = $1 and g.grantee_id = a.id and g.privilege = 3
            and g.securable_catalog_id = c.id
        offset 0
    ) g
),
namespace as materialized (
    select e.*
    from catalog c
    cross join json_array_elements_text($5::json) wanted (name)
    cross join lateral (
        select e.* from entity e
        where e.realm = $1 and e.catalog_id = c.id and e.type_code = 6 and e.name = wanted.name
        offset 0
    ) e
),
securable as (
    select 1 as part, 0::bigint as id, null::bigint as catalog_id, null::bigint as parent_id,
        null::int as type_code, null::int as sub_type_code, null::text as name,
        null::bigint as version, null::bigint as created_ms, null::bigint as updated_ms,
        null::text as properties, null::text as internal, null::text as location,
        null::text as metadata_location, null::bytea as metadata
    union all
    select 2, c.id, c.catalog_id, c.parent_id, c.type_code, c.sub_type_code, c.name,
        c.version, c.created_ms, c.updated_ms, c.properties, c.internal, c.location,
        c.metadata_location, null
    from catalog c
    union all
    select 3, n.id, n.catalog_id, n.parent_id, n.type_code, n.sub_type_code, n.name,
        n.version, n.created_ms, n.updated_ms, n.properties, n.internal, n.location,
        n.metadata_location, null
    from namespace n
    union all
    select 4, t.id, t.catalog_id, t.parent_id, t.type_code, t.sub_type_code, t.name,
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
select 0 as part, a.id, a.caller_id as catalog_id, null::bigint as parent_id,
    null::int as type_code, null::int as sub_type_code, a.name, null::bigint as version,
    null::bigint as created_ms, null::bigint as updated_ms, null::text as properties,
    a.internal, a.caller as location, null::text as metadata_location,
    null::bytea as metadata, null::text as privileges
from activated a
union all
select s.*, (
    select string_agg(g.privilege::text, ',')
    from grantee r
    cross join lateral (
        select g.privilege from grant_record g
        where g.realm = $1 and g.securable_id = s.id and g.grantee_id = r.id
        offset 0
    ) g
)
from securable s
