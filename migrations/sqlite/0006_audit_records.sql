-- Who asked for what. The PostgreSQL schema of the same number says the same in its words.
create table audit_record (
    realm       text not null references realm on delete cascade,
    id          text not null check (octet_length(id) = 36),
    request_id  text not null,
    principal   text,
    roles       text not null check (json_type(roles) = 'array'),
    operation   text,
    catalog     text,
    securable   text,
    status      integer not null check (status between 100 and 999),
    missing     text,
    credential  text,
    method      text not null,
    path        text not null,
    duration_ms integer not null,
    primary key (id, realm)
) strict, without rowid;
