delete from grant_record
where realm = $1 and securable_id = $2 and grantee_id = $3 and privilege = $4
returning privilege
