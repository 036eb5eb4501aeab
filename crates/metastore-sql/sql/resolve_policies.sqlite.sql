-- As resolve_policies.postgres.sql.
union all
select 11, p.id, p.catalog_id, p.parent_id, p.type_code, p.sub_type_code, p.name, p.version,
    p.created_ms, p.updated_ms, m.parameters, p.internal, cast(s.id as text), (
        select n.name from entity n where n.realm = $1 and n.id = p.parent_id
    ), null, null
from securable s
cross join policy_mapping_record m on m.realm = $1 and m.target_id = s.id
cross join entity p on p.realm = $1 and p.id = m.policy_id
where s.part > 1
