-- $1 realm   $2 catalog   $3 the location and $4 the id of the last one before
select id, catalog_id, parent_id, type_code, sub_type_code, name, version, created_ms, updated_ms,
    properties, internal, location, metadata_location
from entity
where realm = $1 and catalog_id = $2 and location >= $3 and (location > $3 or id > $4)
    and type_code = 7 and sub_type_code = 2
order by location, id
limit $5
