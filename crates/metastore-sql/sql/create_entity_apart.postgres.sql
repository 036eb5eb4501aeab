-- As create_entity.sql, unless something is in the way: then no row comes back.
--
-- $18 its places and all above them, a JSON array
-- $19 the first text after all below a place, a JSON object by place
insert into entity (
    realm, id, catalog_id, parent_id, type_code, sub_type_code, name, version, created_ms,
    updated_ms, properties, internal, location, metadata_location, metadata, extra_places,
    answered
)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17
where not places_are_taken($1, $3, $2, $4, $5::integer, $18, $19)
returning id
