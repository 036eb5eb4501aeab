-- What the Iceberg REST protocol has beside entities. The PostgreSQL schema of the same number says
-- the same in its words, and says why; here is only what is SQLite's own.

create table idempotency_record (
    realm        text not null,
    principal    text not null,
    key          text not null check (octet_length(key) = 36),
    fingerprint  text not null,
    answer       text not null check (json_type(answer) = 'object'),
    created_ms   integer not null,
    expires_ms   integer not null,
    primary key (principal, key, realm)
) strict, without rowid;

create index idempotency_record_expiry on idempotency_record (expires_ms);

alter table entity add column answered text check (json_type(answered) = 'object');

create trigger entity_made_answered after insert on entity
when new.answered is not null
begin
    select raise(abort, 'answered') from idempotency_record r
    where r.principal = new.answered ->> 'principal' and r.key = new.answered ->> 'key'
        and r.realm = new.realm and r.expires_ms > new.answered ->> 'created_ms';
    insert or replace into idempotency_record (
        realm, principal, key, fingerprint, answer, created_ms, expires_ms
    )
    values (
        new.realm, new.answered ->> 'principal', new.answered ->> 'key',
        new.answered ->> 'fingerprint', new.answered ->> 'answer', new.answered ->> 'created_ms',
        new.answered ->> 'expires_ms'
    );
end;

create trigger entity_changed_answered after update of answered on entity
when new.answered is not null
begin
    select raise(abort, 'answered') from idempotency_record r
    where r.principal = new.answered ->> 'principal' and r.key = new.answered ->> 'key'
        and r.realm = new.realm and r.expires_ms > new.answered ->> 'created_ms';
    insert or replace into idempotency_record (
        realm, principal, key, fingerprint, answer, created_ms, expires_ms
    )
    values (
        new.realm, new.answered ->> 'principal', new.answered ->> 'key',
        new.answered ->> 'fingerprint', new.answered ->> 'answer', new.answered ->> 'created_ms',
        new.answered ->> 'expires_ms'
    );
end;

create table task (
    realm      text not null references realm on delete cascade,
    id         integer not null,
    kind       text not null check (octet_length(kind) between 1 and 64),
    catalog_id integer not null,
    subject    text not null,
    details    text not null check (json_type(details) = 'object'),
    state      text not null check (state in ('waiting', 'running', 'done', 'failed')),
    progress   text not null check (json_type(progress) = 'object'),
    attempts   integer not null check (attempts >= 0),
    error      text,
    owner      text,
    due_ms     integer not null,
    created_ms integer not null,
    updated_ms integer not null,
    primary key (id, realm)
) strict;

create index task_due on task (due_ms) where state in ('waiting', 'running');

create index task_ended on task (updated_ms) where state in ('done', 'failed');

create index task_catalog on task (catalog_id, realm, id);

create table metrics_report (
    realm       text not null references realm on delete cascade,
    id          integer not null,
    catalog_id  integer not null,
    table_id    integer not null,
    kind        text not null check (kind in ('scan', 'commit')),
    created_ms  integer not null,
    principal   text not null,
    request_id  text not null,
    snapshot_id integer,
    report      text not null check (json_type(report) = 'object'),
    primary key (id, realm)
) strict;

create index metrics_report_table on metrics_report (table_id, realm, created_ms, id);

create index metrics_report_catalog on metrics_report (catalog_id, realm, created_ms, id);

create index metrics_report_age on metrics_report (created_ms);
