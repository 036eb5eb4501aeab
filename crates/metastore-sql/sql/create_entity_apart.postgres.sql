-- As create_entity.sql, unless something is in the way: then no row comes back.
--
-- $16 the location and all above it, a JSON array     $17 the first text after all below it
insert into entity (
    realm, id, catalog_id, parent_id, type_code, sub_type_code, name, version, created_ms,
    updated_ms, properties, internal, location, metadata_location, metadata
)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
where not location_is_taken($1, $3, $2, $4, $5::integer, $13, $16, $17)
returning id
