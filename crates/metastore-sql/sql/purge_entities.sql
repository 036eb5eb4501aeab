-- All at once: an entity alone may have children. Grants and secrets go along, as does what a newer
-- version keeps about entities in tables of its own.
delete from entity where realm = $1
