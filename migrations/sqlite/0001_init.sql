-- Everything the server remembers. The PostgreSQL schema of the same number says the same in its
-- words, and says why; here is only what is SQLite's own.
--
-- Strict tables hold a column to its type, which SQLite otherwise takes as advice. Text is compared
-- by its bytes.

create table realm (
    name       text primary key not null check (octet_length(name) between 1 and 256),
    created_ms integer not null check (created_ms >= 0)
) strict, without rowid;

create table entity (
    realm             text not null,
    id                integer not null check (id >= 0),
    catalog_id        integer not null,
    parent_id         integer not null,
    type_code         integer not null,
    sub_type_code     integer not null,
    name              text not null check (octet_length(name) between 1 and 2048),
    version           integer not null check (version >= 1),
    created_ms        integer not null check (created_ms >= 0),
    updated_ms        integer not null check (updated_ms >= 0),
    properties        text not null check (json_type(properties) = 'object'),
    internal          text not null check (json_type(internal) = 'object'),
    root_of           text generated always as (case when id = 0 then realm end) stored
                      references realm on delete cascade,
    location          text check (location like '%/' and octet_length(location) <= 2048),
    metadata_location text,
    -- Last, so that what stands before it is read without passing through it.
    metadata          blob,
    -- Not "without rowid": a row with its metadata is long, and an index of long rows is slow.
    primary key (id, realm),
    constraint entity_name unique (parent_id, type_code, realm, name),
    constraint entity_parent foreign key (parent_id, realm) references entity (id, realm),
    constraint entity_kind check (
        case when type_code = 7 then sub_type_code in (2, 3, 4)
             else type_code in (1, 2, 3, 4, 5, 6, 10) and sub_type_code = 0 end
    ),
    constraint entity_root check ((type_code = 1) = (id = 0) and (parent_id = id) = (id = 0))
) strict;

create index entity_namespace on entity (catalog_id, realm, name) where type_code = 6;

create index entity_location on entity (catalog_id, realm, location) where location is not null;

create table grant_record (
    realm                text not null,
    securable_id         integer not null,
    grantee_id           integer not null,
    privilege            integer not null check (privilege >= 1),
    securable_catalog_id integer not null,
    primary key (securable_id, grantee_id, realm, privilege),
    constraint grant_securable foreign key (securable_id, realm)
        references entity (id, realm) on delete cascade,
    constraint grant_grantee foreign key (grantee_id, realm)
        references entity (id, realm) on delete cascade
) strict, without rowid;

create index grant_record_grantee
    on grant_record (grantee_id, privilege, securable_catalog_id, realm, securable_id);

create table principal_secret (
    realm          text not null,
    principal_id   integer not null,
    client_id      text not null,
    main_hash      text not null,
    secondary_hash text not null,
    salt           text not null,
    primary key (principal_id, realm),
    constraint principal_secret_client unique (client_id, realm),
    constraint principal_secret_principal foreign key (principal_id, realm)
        references entity (id, realm) on delete cascade
) strict;

create table signing_key (
    realm     text not null references realm on delete cascade,
    algorithm text not null,
    key       blob not null,
    primary key (realm, algorithm)
) strict;
