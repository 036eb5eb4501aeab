-- The compare-and-swap. No row comes back once the version has moved.
update entity
set parent_id = $4, name = $5, version = $6, updated_ms = $7, properties = $8, internal = $9,
    location = $10, metadata_location = $11,
    metadata = case when $12 then metadata else $13 end, extra_places = $14, answered = $15
where realm = $1 and id = $2 and version = $3
returning id
