-- Of replicas that try at once one makes it; the others wait for its commit and get no row.
insert into realm (name, created_ms) values ($1, $2)
on conflict do nothing
returning name
