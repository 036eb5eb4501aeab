-- Nothing refers to the realm from there.
delete from idempotency_record where realm = $1
