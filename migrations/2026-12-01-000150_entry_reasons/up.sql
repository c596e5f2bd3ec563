-- What made a ledger entry is a webhook's topic, or a code with parameters. Earlier entries keep their text.
alter table commission_entries
    alter column cause drop not null,
    add column reason jsonb;
-- Not validated, so that it doesn't read the whole table. Every row has its cause so far.
alter table commission_entries
    add constraint commission_entries_one_reason check ((cause is null) <> (reason is null)) not valid;
comment on column commission_entries.cause is 'The topic of the webhook that made it, or a sentence of an earlier version.';
comment on column commission_entries.reason is 'What made it, unless a webhook did: a code with parameters.';

create or replace function erase_from_records(person_user_id bigint, words text[], substitute text) returns bigint
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
            params = replace_in_json(params, pattern, substitute),
            before = replace_in_json(before, pattern, substitute),
            after = replace_in_json(after, pattern, substitute)
            where merchant_id = current_merchant()
                and (summary ~* pattern or params::text ~* in_json or before::text ~* in_json or after::text ~* in_json);
        get diagnostics number = row_count;
        changed := changed + number;
        update commission_entries set
            cause = regexp_replace(cause, pattern, substitute, 'gi'),
            reason = replace_in_json(reason, pattern, substitute)
            where merchant_id = current_merchant() and (cause ~* pattern or reason::text ~* in_json);
        get diagnostics number = row_count;
        changed := changed + number;
    end loop;
    perform set_config('vouch.erasing', '', true);
    insert into audit_log (merchant_id, actor_kind, actor_name, action, subject_kind, params, after)
        values (current_merchant(), 'system', 'Vouch', 'audit_log.erased', 'merchant', '{}',
            jsonb_build_object('rows_changed', changed));
    return changed;
end
$$;
