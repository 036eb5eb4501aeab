-- No row comes back where the task was taken by another.
update task set progress = $4, updated_ms = $5, due_ms = $6
where realm = $1 and id = $2 and owner = $3 and state = 'running'
returning id
