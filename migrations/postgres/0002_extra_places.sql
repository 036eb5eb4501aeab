-- Places that tables use beside their location, since Iceberg can be told to write elsewhere: they
-- must overlap no more than locations do.

-- The places as a JSON array, in the form of `location`; null where there are none, as of nearly all.
alter table entity add column extra_places text
    check (json_typeof(extra_places::json) = 'array');

-- The same, each by itself, so that they are found. The triggers below keep it: then a write is one
-- statement still, and costs nothing where there are no such places.
create table entity_place (
    realm      text collate "C" not null,
    entity_id  bigint not null,
    catalog_id bigint not null,
    place      text collate "C" not null check (place like '%/' and octet_length(place) <= 2048),
    primary key (entity_id, realm, place),
    constraint entity_place_entity foreign key (entity_id, realm)
        references entity (id, realm) on delete cascade
);

-- What lies at, above or below a place of a catalog.
create index entity_place_place on entity_place (catalog_id, realm, place);

create function keep_extra_places() returns trigger
language plpgsql
as $$
begin
    if tg_op = 'UPDATE' then
        delete from entity_place where entity_id = new.id and realm = new.realm;
    end if;
    insert into entity_place (realm, entity_id, catalog_id, place)
    select new.realm, new.id, new.catalog_id, value
    from json_array_elements_text(new.extra_places::json);
    return null;
end
$$;

create trigger entity_made after insert on entity
for each row when (new.extra_places is not null)
execute function keep_extra_places();

create trigger entity_changed after update of extra_places on entity
for each row when (old.extra_places is distinct from new.extra_places)
execute function keep_extra_places();

-- All places, of whatever they are: locations, and what is beside them.
create view used_place (realm, catalog_id, place, id, parent_id, type_code) as
select realm, catalog_id, location, id, parent_id, type_code from entity
union all
select b.realm, b.catalog_id, b.place, e.id, e.parent_id, e.type_code
from entity_place b join entity e on e.id = b.entity_id and e.realm = b.realm;

-- Whether one of an entity's places overlaps another's: what lies at it, above it or below it, of the
-- same parent or, among tables, of the same catalog. `above` is the places and all above them, a JSON
-- array; `ends` the first text after all below a place, a JSON object by place.
--
-- Of two transactions that want overlapping places neither sees what the other has not committed
-- yet. So each first takes a lock on its places, shared ones on all above them, and looks then: that
-- it looks with a new snapshot is why this is a volatile function and not a subquery, whose snapshot
-- is older than the lock. Siblings share their locks, and do not wait for each other.
create function places_are_taken(
    in_realm text, in_catalog bigint, in_id bigint, in_parent bigint, in_type integer,
    above text, ends text
) returns boolean
language plpgsql volatile
as $$
declare
    lock record;
    mine record;
    base text := in_realm || chr(31) || in_catalog || chr(31);
begin
    -- From the outermost inwards, so that no two wait for each other.
    for lock in
        select hashtextextended(base || value, 0) as key,
            value in (select json_object_keys(ends::json)) as is_own
        from json_array_elements_text(above::json)
        order by octet_length(value), value collate "C"
    loop
        if lock.is_own then
            perform pg_advisory_xact_lock(lock.key);
        else
            perform pg_advisory_xact_lock_shared(lock.key);
        end if;
    end loop;
    if exists (
        select 1 from used_place o
        where o.realm = in_realm collate "C" and o.catalog_id = in_catalog
            and o.place = any (array(select json_array_elements_text(above::json) collate "C"))
            and o.id <> in_id and (o.parent_id = in_parent or (o.type_code = 7 and in_type = 7))
    ) then
        return true;
    end if;
    for mine in select key as place, value as below_end from json_each_text(ends::json) loop
        if exists (
            select 1 from used_place o
            where o.realm = in_realm collate "C" and o.catalog_id = in_catalog
                and o.place > mine.place collate "C" and o.place < mine.below_end collate "C"
                and o.id <> in_id and (o.parent_id = in_parent or (o.type_code = 7 and in_type = 7))
        ) then
            return true;
        end if;
    end loop;
    return false;
end
$$;

-- What the version before asks: it hears of these places too.
create or replace function location_is_taken(
    in_realm text, in_catalog bigint, in_id bigint, in_parent bigint, in_type integer,
    in_location text, above text, below_end text
) returns boolean
language sql volatile
as $$
    select places_are_taken(
        in_realm, in_catalog, in_id, in_parent, in_type,
        above, json_build_object(in_location, below_end)::text
    )
$$;

-- The places of tables that are there, in the form of `location`: s3a is s3, all names of an Azure
-- container are one, files begin with three slashes. They were parsed before they were stored.
with written as (
    select e.realm, e.id, e.location, rtrim(p.path, '/') || '/' as path
    from entity e cross join lateral (values
        (e.internal::json ->> 'write.data.path'), (e.internal::json ->> 'write.metadata.path')
    ) p (path)
    where e.type_code = 7 and p.path is not null
), parsed as (
    select realm, id, location, path, split_part(path, ':', 1) as scheme,
        split_part(path, '/', 3) as bucket, substr(path, strpos(path, '://') + 3) as below
    from written
), place as (
    select distinct realm, id, location, case
        when scheme = 's3a' then 's3://' || below
        when scheme in ('s3', 'gs') then path
        when scheme in ('abfs', 'abfss', 'wasb', 'wasbs') then
            'abfs://' || split_part(bucket, '.', 1) || substr(below, length(bucket) + 1)
        when path ilike 'file://localhost/%' then 'file:///' || substr(path, 18)
        when path ilike 'file:%' then 'file:///' || ltrim(substr(path, 6), '/')
        else 'file:///' || ltrim(path, '/')
    end as place
    from parsed
), beside as (
    select realm, id, json_agg(place order by place)::text as places from place
    where not starts_with(place, location)
    group by realm, id
)
update entity e set extra_places = beside.places
from beside where beside.id = e.id and beside.realm = e.realm;
