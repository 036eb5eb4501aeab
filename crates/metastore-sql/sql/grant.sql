-- What is granted already gives back no row.
--
-- A securable that is not there has no catalog: the foreign key then refuses the row.
insert into grant_record (realm, securable_id, grantee_id, privilege, securable_catalog_id)
values (
    $1, $2, $3, $4,
    coalesce((select e.catalog_id from entity e where e.realm = $1 and e.id = $2), 0)
)
on conflict do nothing
returning 1
