-- As resolve.postgres.sql, parameter for parameter and column for column. A cross join keeps SQLite
-- to the order in which the tables are written. Two left joins, and not one with a join within: that
-- would be made up of all grants there are. A role that is not activated then leaves a row without.
with activated as materialized (
    select c.id as caller_id, c.name as caller, c.internal, r.id, r.name
    from entity c
    left join grant_record g on g.realm = $1 and g.grantee_id = c.id and g.privilege = 4
    left join entity r on r.realm = $1 and r.id = g.securable_id and r.type_code = 3
        and ($3 is null or r.name in (select value from json_each($3)))
    where c.realm = $1 and c.type_code = 2 and c.id = coalesce($2, (
        select p.id from entity p
        where p.realm = $1 and p.parent_id = 0 and p.type_code = 2 and p.name = $7
    ))
),
catalog as materialized (
    select e.id from entity e
    where e.realm = $1 and e.parent_id = 0 and e.type_code = 4 and e.name = $4
),
grantee as materialized (
    select a.id from activated a
    union all
    select g.securable_id
    from activated a
    cross join catalog c
    cross join grant_record g on g.realm = $1 and g.grantee_id = a.id and g.privilege = 3
        and g.securable_catalog_id = c.id
),
namespace as materialized (
    select e.id, e.name
    from catalog c
    cross join json_each($5) wanted
    cross join entity e on e.realm = $1 and e.catalog_id = c.id and e.type_code = 6
        and e.name = wanted.value
),
securable as materialized (
    select 1 as part, 0 as id, null as known
    union all
    select 2, c.id, null from catalog c
    union all
    select 3, n.id, null from namespace n
    union all
    select 4, e.id, json_extract(wanted.value, '$.known')
    from json_each($6) wanted
    cross join namespace n on n.name = json_extract(wanted.value, '$.namespace')
    cross join entity e on e.realm = $1 and e.parent_id = n.id and e.type_code = 7
        and e.name = json_extract(wanted.value, '$.name')
)
select 0 as part, a.id, a.caller_id as catalog_id, null as parent_id, null as type_code,
    null as sub_type_code, a.name, null as version, null as created_ms, null as updated_ms,
    null as properties, a.internal, a.caller as location, null as metadata_location,
    null as metadata, null as privileges
from activated a
union all
select s.part, s.id, e.catalog_id, e.parent_id, e.type_code, e.sub_type_code, e.name, e.version,
    e.created_ms, e.updated_ms, e.properties, e.internal, e.location, e.metadata_location,
    case when s.part = 4 and (e.metadata_location = s.known) is not true then e.metadata end,
    (
        select group_concat(g.privilege)
        from grantee r
        cross join grant_record g on g.realm = $1 and g.securable_id = s.id and g.grantee_id = r.id
    )
from securable s
cross join entity e on e.realm = $1 and e.id = s.id
