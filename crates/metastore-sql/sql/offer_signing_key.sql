insert into signing_key (realm, algorithm, key) values ($1, $2, $3)
on conflict do nothing
returning key
