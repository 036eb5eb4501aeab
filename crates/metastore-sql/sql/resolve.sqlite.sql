-- As resolve.postgres.sql, parameter for parameter and column for column. A cross join keeps SQLite
-- to the order in which the tables are written.
with caller as materialized (
    select e.id, e.name from entity e where e.realm = $1 and e.id = $2 and e.type_code = 2
),
activated as materialized (
    select r.id, r.name
    from caller c
    cross join grant_record g on g.realm = $1 and g.grantee_id = c.id and g.privilege = 4
    cross join entity r on r.realm = $1 and r.id = g.securable_id and r.type_code = 3
    where $3 is null or r.name in (select value from json_each($3))
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
    from json_each($5) wanted
    cross join catalog c
    cross join entity e on e.realm = $1 and e.catalog_id = c.id and e.type_code = 6
        and e.name = wanted.value
),
securable as materialized (
    select 2 as part, 0 as id, null as known
    union all
    select 3, c.id, null from catalog c
    union all
    select 4, n.id, null from namespace n
    union all
    select 5, e.id, json_extract(wanted.value, '$.known')
    from json_each($6) wanted
    cross join namespace n on n.name = json_extract(wanted.value, '$.namespace')
    cross join entity e on e.realm = $1 and e.parent_id = n.id and e.type_code = 7
        and e.name = json_extract(wanted.value, '$.name')
)
select 0 as part, c.id, null as catalog_id, null as parent_id, null as type_code,
    null as sub_type_code, c.name, null as version, null as created_ms, null as updated_ms,
    null as properties, null as internal, null as location, null as metadata_location,
    null as metadata, null as privileges
from caller c
union all
select 1, a.id, null, null, null, null, a.name, null, null, null, null, null, null, null, null, null
from activated a
union all
select s.part, s.id, e.catalog_id, e.parent_id, e.type_code, e.sub_type_code, e.name, e.version,
    e.created_ms, e.updated_ms, e.properties, e.internal, e.location, e.metadata_location,
    case when s.part = 5 and (e.metadata_location = s.known) is not true then e.metadata end,
    (
        select group_concat(g.privilege)
        from grantee r
        cross join grant_record g on g.realm = $1 and g.securable_id = s.id and g.grantee_id = r.id
    )
from securable s
cross join entity e on e.realm = $1 and e.id = s.id
union all
select * from (
    select 6, e.id, e.catalog_id, e.parent_id, e.type_code, e.sub_type_code, e.name, e.version,
        e.created_ms, e.updated_ms, e.properties, e.internal, e.location, e.metadata_location,
        null, null
    from entity e
    where $7 <> 0
        and e.realm = $1
        and e.parent_id = (
            case when $9 is not null then (select n.id from namespace n where n.name = $9)
                 when $4 is not null then (select c.id from catalog c)
                 else 0 end
        )
        and e.type_code = $7
        and ($8 = 0 or e.sub_type_code = $8)
        and e.name > $10
    order by e.name
    limit $11
) child
