-- The compare-and-swap. No row comes back once the secrets have moved.
update principal_secret
set client_id = $3, main_hash = $4, secondary_hash = $5, salt = $6
where realm = $1 and principal_id = $2 and main_hash = $7
returning principal_id
