-- What happened, and what is still to be told of it.

-- Of a change it is written in the transaction of the change. The key begins with the realm, other than
-- that of entities: a realm's events are read in the order of their ids, which is that of time.
create table event (
    realm         text collate "C" not null references realm on delete cascade,
    -- A UUID of version 7.
    id            text collate "C" not null check (octet_length(id) = 36),
    event_type    text collate "C" not null check (octet_length(event_type) between 1 and 128),
    -- When it happened, which the id says too: for people.
    at_ms         bigint not null,
    request_id    text collate "C",
    principal     text collate "C",
    roles         text not null check (json_typeof(roles::json) = 'array'),
    -- Its name: the event outlives it.
    catalog       text collate "C",
    resource_type text collate "C" not null,
    resource      text collate "C" not null,
    attributes    text not null check (json_typeof(attributes::json) = 'object'),
    -- Who is to be told of it.
    sinks         text not null check (json_typeof(sinks::json) = 'array'),
    primary key (realm, id)
);

-- An event that somebody is still to be told of. Once that is done the row goes.
create table event_delivery (
    realm    text collate "C" not null,
    event_id text collate "C" not null,
    sink     text collate "C" not null check (octet_length(sink) between 1 and 128),
    -- Which process is at it.
    owner    text collate "C",
    -- When it may be taken: before that it waits, or somebody is at it.
    due_ms   bigint not null,
    attempts integer not null check (attempts >= 0),
    primary key (realm, event_id, sink),
    constraint event_delivery_event foreign key (realm, event_id)
        references event (realm, id) on delete cascade
);

-- Deliveries are taken in this order: a sink is told of the oldest first.
create index event_delivery_order on event_delivery (sink, event_id, realm);

-- Events and their deliveries are one statement, so that a change and its events are two.
create function deliver_event() returns trigger
language plpgsql
as $$
begin
    insert into event_delivery (realm, event_id, sink, due_ms, attempts)
    select new.realm, new.id, s, 0, 0 from json_array_elements_text(new.sinks::json) s;
    return null;
end
$$;

create trigger event_made after insert on event
for each row when (new.sinks <> '[]')
execute function deliver_event();
