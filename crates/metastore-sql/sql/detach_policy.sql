delete from policy_mapping_record where realm = $1 and target_id = $2 and policy_id = $3
returning policy_id
