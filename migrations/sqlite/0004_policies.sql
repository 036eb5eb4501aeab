-- What policies are attached to. The PostgreSQL schema of the same number says the same in its words,
-- and says why; here is only what is SQLite's own.

-- Whether a policy is still attached is asked at the end of a statement, so that a realm goes with all
-- its entities.
create table policy_mapping_record (
    realm       text not null,
    target_id   integer not null,
    policy_type integer not null check (policy_type >= 0),
    policy_id   integer not null,
    parameters  text not null check (json_type(parameters) = 'object'),
    primary key (target_id, realm, policy_type),
    constraint policy_mapping_target foreign key (target_id, realm)
        references entity (id, realm) on delete cascade,
    constraint policy_mapping_policy foreign key (policy_id, realm) references entity (id, realm)
) strict, without rowid;

create index policy_mapping_record_policy on policy_mapping_record (policy_id, realm);
