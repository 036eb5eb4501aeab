-- Who asked for what, and what became of it. It is kept until it is too old, or with its realm.
create table audit_record (
    realm       text collate "C" not null references realm on delete cascade,
    -- A UUID of version 7: its order is that of the requests' beginnings.
    id          text collate "C" not null check (octet_length(id) = 36),
    request_id  text collate "C" not null,
    principal   text collate "C",
    roles       text not null check (json_typeof(roles::json) = 'array'),
    operation   text collate "C",
    catalog     text collate "C",
    securable   text collate "C",
    status      bigint not null check (status between 100 and 999),
    missing     text,
    credential  text collate "C",
    method      text not null,
    path        text not null,
    duration_ms bigint not null,
    primary key (id, realm)
);
