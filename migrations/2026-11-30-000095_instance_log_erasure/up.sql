-- The log of the instance lets go of one person and of old network addresses, as the audit log of a
-- merchant does (000062): by these two functions, with the owner's right, in the scope of the instance.
-- No table grant lets the server do it.
create policy erasure on instance_log for update
    using (current_setting('vouch.erasing', true) = 'on' and (select current_scope()) = 'installation');

create function forget_instance_addresses(older_than timestamptz) returns bigint
    language plpgsql volatile security definer
    set search_path = public, pg_temp
    as $$
declare
    changed bigint;
begin
    perform set_config('vouch.erasing', 'on', true);
    update instance_log set came_from = null
        where at < least(older_than, now() - interval '1 day') and came_from is not null;
    get diagnostics changed = row_count;
    perform set_config('vouch.erasing', '', true);
    return changed;
end
$$;
comment on function forget_instance_addresses(timestamptz) is 'Blanks the network addresses in the log of the instance before a time, a day ago at the latest.';

-- The name and the network address of what the person did go, and the reasons of what was done to their
-- account. In every other reason, the words (their names and email addresses) become the substitute.
create function erase_from_instance_log(person_user_id bigint, words text[], substitute text) returns bigint
    language plpgsql volatile security definer
    set search_path = public, pg_temp
    as $$
declare
    word text;
    pattern text;
    changed bigint := 0;
    number bigint;
begin
    if current_scope() <> 'installation' then
        raise exception 'erase_from_instance_log works in the scope of the instance';
    end if;
    perform set_config('vouch.erasing', 'on', true);
    update instance_log set actor_name = substitute, came_from = null
        where actor_user_id = person_user_id and (actor_name <> substitute or came_from is not null);
    get diagnostics changed = row_count;
    update instance_log set details = details - 'reason'
        where subject_id = person_user_id and action like 'user.%' and details ? 'reason';
    get diagnostics number = row_count;
    changed := changed + number;
    foreach word in array words loop
        continue when char_length(trim(word)) < 3;
        pattern := '(?<!\w)' || regexp_replace(trim(word), '(\W)', '\\\1', 'g') || '(?!\w)';
        update instance_log set details = jsonb_set(details, '{reason}',
                to_jsonb(regexp_replace(details ->> 'reason', pattern, substitute, 'gi')))
            where details ->> 'reason' ~* pattern;
        get diagnostics number = row_count;
        changed := changed + number;
    end loop;
    perform set_config('vouch.erasing', '', true);
    return changed;
end
$$;
comment on function erase_from_instance_log(bigint, text[], text) is
    'Takes one person out of the log of the instance; acts, times and users'' ids stay.';
revoke execute on function forget_instance_addresses(timestamptz) from public;
revoke execute on function erase_from_instance_log(bigint, text[], text) from public;
