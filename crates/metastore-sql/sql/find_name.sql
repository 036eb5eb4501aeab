-- What has a name that was wanted.
select type_code, sub_type_code from entity
where realm = $1 and parent_id = $2 and type_code = $3 and name = $4
