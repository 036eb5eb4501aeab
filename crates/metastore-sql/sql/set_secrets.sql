insert into principal_secret (realm, principal_id, client_id, main_hash, secondary_hash, salt)
values ($1, $2, $3, $4, $5, $6)
on conflict (realm, principal_id) do update
set client_id = excluded.client_id, main_hash = excluded.main_hash,
    secondary_hash = excluded.secondary_hash, salt = excluded.salt
