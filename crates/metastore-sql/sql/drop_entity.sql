-- Grants and secrets go along; children are in the way.
delete from entity where realm = $1 and id = $2 and version = $3 returning id
