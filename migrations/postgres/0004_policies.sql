-- What policies are attached to.

create table policy_mapping_record (
    realm       text collate "C" not null,
    target_id   bigint not null,
    -- Of each type one policy at most: all types there are are inherited, and the nearest one counts.
    policy_type int not null check (policy_type >= 0),
    policy_id   bigint not null,
    parameters  text not null check (json_typeof(parameters::json) = 'object'),
    primary key (target_id, realm, policy_type),
    constraint policy_mapping_target foreign key (target_id, realm)
        references entity (id, realm) on delete cascade,
    -- Without cascade: a policy that is attached is not dropped, whoever raced to attach it.
    constraint policy_mapping_policy foreign key (policy_id, realm) references entity (id, realm)
);

-- What a policy is attached to.
create index policy_mapping_record_policy on policy_mapping_record (policy_id, realm);

-- A realm goes with all its entities in one statement, which would come upon a policy before what it
-- is attached to. So mappings go before any of them: the root is dropped with its realm only.
create function forget_policy_mappings() returns trigger
language plpgsql
as $$
begin
    delete from policy_mapping_record where realm = old.realm;
    return old;
end
$$;

create trigger entity_root_dropped before delete on entity
for each row when (old.id = 0)
execute function forget_policy_mappings();
