-- The schema has an owner, and the server runs as another role: what it may do stands here.
--
-- `vouch migrate` runs as the owner, and calls grant_to_server for the server's role after the last
-- migration, so that a new table needs no grant of its own. Where the two are one role (a database that
-- was set up before, see README), the grants say nothing and the policies alone hold.

-- A table is append-only where its policies say so: under row security, one to insert and none to update
-- or delete. Erasure (below) isn't the server's.
create function is_append_only(checked oid) returns boolean
    language sql stable
    as $$
        select relrowsecurity
            and exists (select from pg_policy where polrelid = checked and polcmd = 'a')
            and not exists (select from pg_policy where polrelid = checked and polcmd in ('*', 'w', 'd') and polname <> 'erasure')
        from pg_class where oid = checked
    $$;
comment on function is_append_only(oid) is 'Whether the policies of a table let nobody update or delete its rows.';

-- No TRUNCATE, no REFERENCES, no TRIGGER, no DDL.
create procedure grant_to_server(server_role name)
    language plpgsql
    as $$
declare
    ours record;
begin
    if server_role = current_user then
        return;
    end if;
    execute format('grant usage on schema public to %I', server_role);
    for ours in
        select c.oid::regclass as name,
            case
                when c.relname = '__diesel_schema_migrations' then 'select'
                when is_append_only(c.oid) then 'select, insert'
                else 'select, insert, update, delete'
            end as rights
        from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
            and c.relowner = (select oid from pg_roles where rolname = current_user)
    loop
        execute format('revoke all on %s from %I', ours.name, server_role);
        execute format('grant %s on %s to %I', ours.rights, ours.name, server_role);
    end loop;
    for ours in
        select p.oid::regprocedure as name from pg_proc p
        where p.pronamespace = 'public'::regnamespace and p.prosecdef
            and p.proowner = (select oid from pg_roles where rolname = current_user)
    loop
        execute format('grant execute on function %s to %I', ours.name, server_role);
    end loop;
end
$$;
comment on procedure grant_to_server(name) is
    'Gives the role that the server runs as what it needs and takes from it what it does not: safe to repeat.';
revoke execute on procedure grant_to_server(name) from public;
revoke execute on procedure protect_merchant_rows(regclass, boolean) from public;

-- What the audit log and the ledger know of persons can be blanked, and nothing else of them changed:
-- by these two functions, with the owner's right, within the scope of the transaction. No table grant
-- lets the server do it.
create policy erasure on audit_log for update
    using (current_setting('vouch.erasing', true) = 'on'
        and (merchant_id = (select current_merchant()) or (select current_scope()) = 'installation'));
create policy erasure on commission_entries for update
    using (current_setting('vouch.erasing', true) = 'on'
        and (merchant_id = (select current_merchant()) or (select current_scope()) = 'installation'));

-- Retention: `select forget_audit_addresses(now() - interval '90 days')`, or audit::forget_addresses.
create function forget_audit_addresses(older_than timestamptz) returns bigint
    language plpgsql volatile security definer
    set search_path = public, pg_temp
    as $$
declare
    changed bigint;
begin
    perform set_config('vouch.erasing', 'on', true);
    update audit_log set came_from = null
        where at < least(older_than, now() - interval '1 day') and came_from is not null;
    get diagnostics changed = row_count;
    perform set_config('vouch.erasing', '', true);
    return changed;
end
$$;
comment on function forget_audit_addresses(timestamptz) is 'Blanks the network addresses of acts before a time, a day ago at the latest.';

-- Erasure of one person, within one merchant: audit::erase_person. Every whole occurrence of the words
-- (their names and addresses) becomes the substitute, and the name of the acts that they did does. It
-- leaves a row of its own, so that nothing is blanked unseen.
create function erase_from_records(person_user_id bigint, words text[], substitute text) returns bigint
    language plpgsql volatile security definer
    set search_path = public, pg_temp
    as $$
declare
    word text;
    pattern text;
    in_json text;
    changed bigint := 0;
    number bigint;
begin
    if current_merchant() is null then
        raise exception 'erase_from_records works within one merchant';
    end if;
    perform set_config('vouch.erasing', 'on', true);
    update audit_log set actor_name = substitute
        where merchant_id = current_merchant() and actor_user_id = person_user_id and actor_name <> substitute;
    get diagnostics changed = row_count;
    foreach word in array words loop
        continue when char_length(trim(word)) < 3;
        pattern := '(?<!\w)' || regexp_replace(trim(word), '(\W)', '\\\1', 'g') || '(?!\w)';
        -- As JSON writes it, between its quotes.
        in_json := to_jsonb(trim(word))::text;
        in_json := '(?<!\w)' || regexp_replace(substr(in_json, 2, char_length(in_json) - 2), '(\W)', '\\\1', 'g') || '(?!\w)';
        update audit_log set
            summary = regexp_replace(summary, pattern, substitute, 'gi'),
            before = regexp_replace(before::text, in_json, substitute, 'gi')::jsonb,
            after = regexp_replace(after::text, in_json, substitute, 'gi')::jsonb
            where merchant_id = current_merchant()
                and (summary ~* pattern or before::text ~* in_json or after::text ~* in_json);
        get diagnostics number = row_count;
        changed := changed + number;
        update commission_entries set cause = regexp_replace(cause, pattern, substitute, 'gi')
            where merchant_id = current_merchant() and cause ~* pattern;
        get diagnostics number = row_count;
        changed := changed + number;
    end loop;
    perform set_config('vouch.erasing', '', true);
    insert into audit_log (merchant_id, actor_kind, actor_name, action, subject_kind, summary, after)
        values (current_merchant(), 'system', 'Vouch', 'audit_log.erased', 'merchant',
            'Erased one person from the audit log and the ledger.', jsonb_build_object('rows_changed', changed));
    return changed;
end
$$;
comment on function erase_from_records(bigint, text[], text) is
    'Pseudonymizes one person in the audit log and the ledger of the transaction''s merchant; amounts, times and acts stay.';
revoke execute on function forget_audit_addresses(timestamptz) from public;
revoke execute on function erase_from_records(bigint, text[], text) from public;

-- A connection notes that a list is longer than is counted (see db::listing). The server itself may not
-- be able to call set_config, with which an injected expression would choose another merchant.
create function remember_many(list text) returns boolean
    language plpgsql volatile security definer
    set search_path = public, pg_temp
    as $$
begin
    if list !~ '^vouch\.many_[a-z_]+_[0-9]+$' then
        raise exception 'no list: %', list;
    end if;
    return set_config(list, 'yes', false) = 'yes';
end
$$;
comment on function remember_many(text) is 'Sets one of the settings vouch.many_*, and no other, for the rest of the connection.';
revoke execute on function remember_many(text) from public;

-- Where affiliates are paid is nobody's to read in the log: it keeps that it changed.
alter table audit_log no force row level security;
update audit_log set
    before = nullif(before - 'payment address', '{}'::jsonb),
    after = (after - 'payment address') || jsonb_build_object('payment_address_changed', true)
where action = 'affiliate.changed' and (before ? 'payment address' or after ? 'payment address');
alter table audit_log force row level security;
