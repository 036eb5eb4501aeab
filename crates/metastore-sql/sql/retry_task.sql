update task set state = 'waiting', attempts = 0, due_ms = $4, updated_ms = $4
where realm = $1 and id = $3 and catalog_id = $2 and state = 'failed'
returning id
