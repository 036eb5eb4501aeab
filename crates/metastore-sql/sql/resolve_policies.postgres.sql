-- Appended to resolve: the policies that are attached to what was found on the path. A policy has here
-- the id of what it is attached to as location, the name of its namespace as metadata location, and its
-- parameters there as properties.
union all
select 11, p.id, p.catalog_id, p.parent_id, p.type_code, p.sub_type_code, p.name, p.version,
    p.created_ms, p.updated_ms, m.parameters, p.internal, s.id::text, (
        select n.name from entity n where n.realm = $1 and n.id = p.parent_id
    ), null::bytea, null
from securable s
cross join lateral (
    select m.policy_id, m.parameters from policy_mapping_record m
    where m.realm = $1 and m.target_id = s.id
    offset 0
) m
cross join lateral (
    select e.* from entity e where e.realm = $1 and e.id = m.policy_id
    offset 0
) p
where s.part > 1
