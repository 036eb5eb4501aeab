-- Everything the server remembers. The SQLite schema of the same number says the same in its words.
--
-- Columns that are compared or ordered are collated "C": by bytes, as SQLite does and whatever the
-- database's own locale. Pages then follow one another alike on both, and an index made under one
-- version of the system's locales stays right under the next.
--
-- Keys begin with an id and not with the realm. Ids are random numbers, so that a descent of an index
-- compares numbers, and texts only where these are equal: that halves its cost, and there are dozens
-- in each request. What is lost is looking up all that a realm has, which only its removal does.

create table realm (
    name       text collate "C" primary key check (octet_length(name) between 1 and 256),
    created_ms bigint not null check (created_ms >= 0)
);

-- One table for all that has a name and a place: privileges can be held on any of it, and a path of
-- whatever kinds is looked up in one way.
create table entity (
    realm             text collate "C" not null,
    id                bigint not null check (id >= 0),
    -- The catalog it is in; 0 for what is in none. It never changes: nothing moves between catalogs.
    catalog_id        bigint not null,
    -- The root container is in itself: then nothing is in nothing, and the foreign key holds for all.
    parent_id         bigint not null,
    type_code         int not null,
    -- Tables, views and generic tables share their names and so their type.
    sub_type_code     int not null,
    -- Of a namespace the whole path, joined by U+001F: a path of any depth is one keyed look-up a
    -- level, with no recursion. The bound is what fits an entry of an index, with room to spare.
    name              text collate "C" not null check (octet_length(name) between 1 and 2048),
    version           bigint not null check (version >= 1),
    created_ms        bigint not null check (created_ms >= 0),
    updated_ms        bigint not null check (updated_ms >= 0),
    -- Objects of texts, as text: jsonb would reorder what users wrote, and nothing is queried by them.
    properties        text not null check (json_typeof(properties::json) = 'object'),
    internal          text not null check (json_typeof(internal::json) = 'object'),
    -- For the root its realm, for all else nothing: by way of their parents all are in a realm that
    -- is there. Were each to refer to its realm, each create would put a lock on that one row.
    root_of           text collate "C" generated always as (case when id = 0 then realm end) stored
                      references realm on delete cascade,
    -- Ends in a slash, so that one place is below another exactly when its text begins with it.
    location          text collate "C" check (location like '%/' and octet_length(location) <= 2048),
    -- The pointer. A commit of a table is the compare-and-swap that changes it.
    metadata_location text,
    -- What the pointer points to, so that a load need not ask the object store.
    metadata          bytea,
    primary key (id, realm),
    -- Names are unique within their parent and kind. Lists are read from this index in its order.
    constraint entity_name unique (parent_id, type_code, realm, name),
    -- Without cascade: what has children is not dropped, whoever raced to make one.
    constraint entity_parent foreign key (parent_id, realm) references entity (id, realm),
    constraint entity_kind check (
        case when type_code = 7 then sub_type_code in (2, 3, 4)
             else type_code in (1, 2, 3, 4, 5, 6, 10) and sub_type_code = 0 end
    ),
    constraint entity_root check ((type_code = 1) = (id = 0) and (parent_id = id) = (id = 0))
);

-- The bytes come compressed: to try again would cost time and gain nothing.
alter table entity alter column metadata set storage external;

-- A namespace of a catalog by its path.
create index entity_namespace on entity (catalog_id, realm, name) where type_code = 6;

-- What lies at, above or below a location of a catalog.
create index entity_location on entity (catalog_id, realm, location) where location is not null;

create table grant_record (
    realm                text collate "C" not null,
    securable_id         bigint not null,
    grantee_id           bigint not null,
    privilege            int not null check (privilege >= 1),
    -- The catalog the securable is in. Said again here so that the roles that a grantee has in one
    -- catalog are found without passing over those it has in a thousand others.
    securable_catalog_id bigint not null,
    -- A check of access asks what is held on a securable by each of the caller's roles.
    primary key (securable_id, grantee_id, realm, privilege),
    constraint grant_securable foreign key (securable_id, realm)
        references entity (id, realm) on delete cascade,
    constraint grant_grantee foreign key (grantee_id, realm)
        references entity (id, realm) on delete cascade
);

-- Which roles a caller acts in, and all that a role holds.
create index grant_record_grantee
    on grant_record (grantee_id, privilege, securable_catalog_id, realm, securable_id);

-- Only hashes: a secret is shown once, when it is made.
create table principal_secret (
    realm          text collate "C" not null,
    principal_id   bigint not null,
    client_id      text collate "C" not null,
    main_hash      text not null,
    -- The secret before the last rotation still works, so that clients can be changed one by one.
    secondary_hash text not null,
    salt           text not null,
    primary key (principal_id, realm),
    constraint principal_secret_client unique (client_id, realm),
    constraint principal_secret_principal foreign key (principal_id, realm)
        references entity (id, realm) on delete cascade
);

-- The keys that tokens are signed with: here, so that each replica accepts the others' tokens.
create table signing_key (
    realm     text collate "C" not null references realm on delete cascade,
    algorithm text collate "C" not null,
    key       bytea not null,
    primary key (realm, algorithm)
);

-- Whether a location overlaps another's: what lies at it, above it or below it, of the same parent
-- or, among tables, of the same catalog. `above` is the location and all above it, a JSON array;
-- `below_end` the first text after all below it.
--
-- Of two transactions that want overlapping locations neither sees what the other has not committed
-- yet. So each first takes a lock on its location, shared ones on all above it, and looks then:
-- that it looks with a new snapshot is why this is a volatile function and not a subquery, whose
-- snapshot is older than the lock. Siblings share their locks, and do not wait for each other.
create function location_is_taken(
    in_realm text, in_catalog bigint, in_id bigint, in_parent bigint, in_type integer,
    in_location text, above text, below_end text
) returns boolean
language plpgsql volatile
as $$
declare
    place text;
    base text := in_realm || chr(31) || in_catalog || chr(31);
begin
    -- From the outermost inwards, so that no two wait for each other.
    for place in
        select value from json_array_elements_text(above::json)
        where value <> in_location order by octet_length(value)
    loop
        perform pg_advisory_xact_lock_shared(hashtextextended(base || place, 0));
    end loop;
    perform pg_advisory_xact_lock(hashtextextended(base || in_location, 0));
    return exists (
        select 1 from entity o
        where o.realm = in_realm collate "C" and o.catalog_id = in_catalog
            and o.location = any (array(select json_array_elements_text(above::json) collate "C"))
            and o.id <> in_id and (o.parent_id = in_parent or (o.type_code = 7 and in_type = 7))
    ) or exists (
        select 1 from entity o
        where o.realm = in_realm collate "C" and o.catalog_id = in_catalog
            and o.location > in_location collate "C" and o.location < below_end collate "C"
            and o.id <> in_id and (o.parent_id = in_parent or (o.type_code = 7 and in_type = 7))
    );
end
$$;
