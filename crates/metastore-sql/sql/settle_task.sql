-- No row comes back where the task was taken by another.
--
-- $4 progress   $5 now   $6 state   $7 when it is due again   $8 what went wrong
-- $9 how many attempts do not count   $10 whether $8 takes the place of what went wrong before
update task
set progress = $4, updated_ms = $5, state = $6, due_ms = $7, owner = null,
    attempts = attempts - cast($9 as bigint),
    error = case when $10 then $8 else error end
where realm = $1 and id = $2 and owner = $3 and state = 'running'
returning id
