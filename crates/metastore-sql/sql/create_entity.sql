insert into entity (
    realm, id, catalog_id, parent_id, type_code, sub_type_code, name, version, created_ms,
    updated_ms, properties, internal, location, metadata_location, metadata, extra_places,
    answered
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
returning id
