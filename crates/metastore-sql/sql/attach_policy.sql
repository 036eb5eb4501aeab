-- Another policy of the type stays where it is, and no row comes back.
insert into policy_mapping_record (realm, target_id, policy_type, policy_id, parameters)
values ($1, $2, $3, $4, $5)
on conflict (target_id, realm, policy_type) do update set parameters = excluded.parameters
where policy_mapping_record.policy_id = excluded.policy_id
returning policy_id
