delete from policy_mapping_record where realm = $1 and policy_id = $2
