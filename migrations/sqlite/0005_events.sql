-- What happened, and what is still to be told of it. The PostgreSQL schema of the same number says the
-- same in its words, and says why; here is only what is SQLite's own.

create table event (
    realm         text not null references realm on delete cascade,
    id            text not null check (octet_length(id) = 36),
    event_type    text not null check (octet_length(event_type) between 1 and 128),
    at_ms         integer not null,
    request_id    text,
    principal     text,
    roles         text not null check (json_type(roles) = 'array'),
    catalog       text,
    resource_type text not null,
    resource      text not null,
    attributes    text not null check (json_type(attributes) = 'object'),
    sinks         text not null check (json_type(sinks) = 'array'),
    primary key (realm, id)
) strict;

create table event_delivery (
    realm    text not null,
    event_id text not null,
    sink     text not null check (octet_length(sink) between 1 and 128),
    owner    text,
    due_ms   integer not null,
    attempts integer not null check (attempts >= 0),
    primary key (realm, event_id, sink),
    constraint event_delivery_event foreign key (realm, event_id)
        references event (realm, id) on delete cascade
) strict, without rowid;

create index event_delivery_order on event_delivery (sink, event_id, realm);

create trigger event_made after insert on event
when new.sinks <> '[]'
begin
    insert into event_delivery (realm, event_id, sink, due_ms, attempts)
    select new.realm, new.id, s.value, 0, 0 from json_each(new.sinks) s;
end;
