-- Places that tables use beside their location. The PostgreSQL schema of the same number says the
-- same in its words, and says why; here is only what is SQLite's own.

-- After the metadata, which is not passed through where this is null.
alter table entity add column extra_places text check (json_type(extra_places) = 'array');

create table entity_place (
    realm      text not null,
    entity_id  integer not null,
    catalog_id integer not null,
    place      text not null check (place like '%/' and octet_length(place) <= 2048),
    primary key (entity_id, realm, place),
    constraint entity_place_entity foreign key (entity_id, realm)
        references entity (id, realm) on delete cascade
) strict, without rowid;

create index entity_place_place on entity_place (catalog_id, realm, place);

create trigger entity_made after insert on entity
when new.extra_places is not null
begin
    insert into entity_place (realm, entity_id, catalog_id, place)
    select new.realm, new.id, new.catalog_id, value from json_each(new.extra_places);
end;

create trigger entity_changed after update of extra_places on entity
when old.extra_places is not new.extra_places
begin
    delete from entity_place where entity_id = new.id and realm = new.realm;
    insert into entity_place (realm, entity_id, catalog_id, place)
    select new.realm, new.id, new.catalog_id, value from json_each(new.extra_places);
end;

create view used_place (realm, catalog_id, place, id, parent_id, type_code) as
select realm, catalog_id, location, id, parent_id, type_code from entity
union all
select b.realm, b.catalog_id, b.place, e.id, e.parent_id, e.type_code
from entity_place b join entity e on e.id = b.entity_id and e.realm = b.realm;

with written as (
    select e.realm, e.id, e.location, rtrim(p.value, '/') || '/' as path
    from entity e join json_each(e.internal) p
    where e.type_code = 7 and p.key in ('write.data.path', 'write.metadata.path')
), split as (
    select realm, id, location, path, substr(path, 1, instr(path, ':') - 1) as scheme,
        substr(path, instr(path, '://') + 3) as below
    from written
), parsed as (
    select *, substr(below, 1, instr(below, '/') - 1) as bucket from split
), place as (
    select distinct realm, id, location, case
        when scheme = 's3a' then 's3://' || below
        when scheme in ('s3', 'gs') then path
        when scheme in ('abfs', 'abfss', 'wasb', 'wasbs') then
            'abfs://' || substr(bucket, 1, instr(bucket || '.', '.') - 1)
            || substr(below, length(bucket) + 1)
        when path like 'file://localhost/%' then 'file:///' || substr(path, 18)
        when path like 'file:%' then 'file:///' || ltrim(substr(path, 6), '/')
        else 'file:///' || ltrim(path, '/')
    end as place
    from parsed
), beside as (
    select realm, id, json_group_array(place) as places from place
    where substr(place, 1, length(location)) <> location
    group by realm, id
)
update entity set extra_places = beside.places
from beside where beside.id = entity.id and beside.realm = entity.realm;
