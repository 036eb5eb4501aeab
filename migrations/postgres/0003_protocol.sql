-- What the Iceberg REST protocol has beside entities: answers that are given again, work that goes on
-- after the answer, and reports of what engines did.

-- The final answer to a request that carried an idempotency key, made durable together with what the
-- request changed. Nothing refers to realms or principals from here: each commit of all replicas would
-- lock the same few rows for it. What is left behind expires and is swept up.
create table idempotency_record (
    realm        text collate "C" not null,
    principal    text collate "C" not null,
    key          text collate "C" not null check (octet_length(key) = 36),
    -- What was asked for, so that another request under the same key is noticed.
    fingerprint  text collate "C" not null,
    answer       text not null check (json_typeof(answer::json) = 'object'),
    created_ms   bigint not null,
    expires_ms   bigint not null,
    primary key (principal, key, realm)
);

create index idempotency_record_expiry on idempotency_record (expires_ms);

-- The record of the request that made or changed an entity last. The triggers below keep it, so that
-- a commit stays one statement.
alter table entity add column answered text check (json_typeof(answered::json) = 'object');

create function keep_answer() returns trigger
language plpgsql
as $$
begin
    insert into idempotency_record (
        realm, principal, key, fingerprint, answer, created_ms, expires_ms
    )
    select new.realm, a.principal, a.key, a.fingerprint, a.answer, a.created_ms, a.expires_ms
    from json_to_record(new.answered::json) as a (
        principal text, key text, fingerprint text, answer text, created_ms bigint,
        expires_ms bigint
    )
    on conflict (principal, key, realm) do update
    set fingerprint = excluded.fingerprint, answer = excluded.answer,
        created_ms = excluded.created_ms, expires_ms = excluded.expires_ms
    where idempotency_record.expires_ms <= excluded.created_ms;
    if not found then
        -- A class of our own, so that it is not taken for a name that is taken.
        raise exception 'answered' using errcode = 'MK001';
    end if;
    return null;
end
$$;

create trigger entity_made_answered after insert on entity
for each row when (new.answered is not null)
execute function keep_answer();

create trigger entity_changed_answered after update of answered on entity
for each row when (new.answered is not null)
execute function keep_answer();

-- Work that is done in the background, by whichever replica takes it.
create table task (
    realm      text collate "C" not null references realm on delete cascade,
    id         bigint not null,
    kind       text collate "C" not null check (octet_length(kind) between 1 and 64),
    -- No reference: the files of a table are deleted even if its catalog is dropped meanwhile.
    catalog_id bigint not null,
    -- What it is about, for people.
    subject    text not null,
    -- What it has to know.
    details    text not null check (json_typeof(details::json) = 'object'),
    state      text collate "C" not null check (state in ('waiting', 'running', 'done', 'failed')),
    progress   text not null check (json_typeof(progress::json) = 'object'),
    attempts   integer not null check (attempts >= 0),
    error      text,
    -- Which process works on it.
    owner      text collate "C",
    -- When it may be taken: before that it waits, or somebody works on it.
    due_ms     bigint not null,
    created_ms bigint not null,
    updated_ms bigint not null,
    primary key (id, realm)
);

create index task_due on task (due_ms) where state in ('waiting', 'running');

create index task_ended on task (updated_ms) where state in ('done', 'failed');

create index task_catalog on task (catalog_id, realm, id);

-- What engines report of their scans and commits. It outlives its table, until it is too old.
create table metrics_report (
    realm       text collate "C" not null references realm on delete cascade,
    id          bigint not null,
    catalog_id  bigint not null,
    table_id    bigint not null,
    kind        text collate "C" not null check (kind in ('scan', 'commit')),
    created_ms  bigint not null,
    principal   text collate "C" not null,
    request_id  text collate "C" not null,
    snapshot_id bigint,
    report      text not null check (json_typeof(report::json) = 'object'),
    primary key (id, realm)
);

create index metrics_report_table on metrics_report (table_id, realm, created_ms, id);

create index metrics_report_catalog on metrics_report (catalog_id, realm, created_ms, id);

create index metrics_report_age on metrics_report (created_ms);
