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

create or replace function erase_acts(person_user_id bigint, of_affiliates bigint[], of_orders bigint[], words text[], substitute text, erased timestamptz) returns bigint
    language plpgsql volatile security definer
    set search_path = public, pg_temp
    as $$
declare
    notes constant text[] := array['note', 'review_note', 'manual_credit', 'fraud_note'];
    word text;
    pattern text;
    changed bigint;
    number bigint;
begin
    if current_merchant() is null then
        raise exception 'erase_acts works within one merchant';
    end if;
    perform set_config('vouch.erasing', 'on', true);
    update audit_log set came_from = null, erased_at = erased
        where merchant_id = current_merchant() and actor_user_id = person_user_id and came_from is not null;
    get diagnostics changed = row_count;
    update audit_log set summary = '', before = null, after = null, erased_at = erased
        where merchant_id = current_merchant()
            and ((subject_kind = 'affiliate' and subject_id = any(of_affiliates))
                or (subject_kind = 'member' and subject_id = person_user_id));
    get diagnostics number = row_count;
    changed := changed + number;
    update audit_log l set summary = '', erased_at = erased,
        before = jsonb_set(jsonb_set(before - notes, '{said,note}', '""', false), '{fraud,note}', '""', false),
        after = jsonb_set(jsonb_set(after - notes, '{said,note}', '""', false), '{fraud,note}', '""', false)
        where l.merchant_id = current_merchant()
            and coalesce(jsonb_typeof(before), 'object') = 'object' and coalesce(jsonb_typeof(after), 'object') = 'object'
            and ((subject_kind = 'order' and (subject_id = any(of_orders)
                    or subject_id in (select c.order_id from conversions c
                        where c.merchant_id = l.merchant_id and c.affiliate_id = any(of_affiliates))))
                or (subject_kind = 'conversion' and subject_id in (select c.id from conversions c
                    where c.merchant_id = l.merchant_id
                        and (c.affiliate_id = any(of_affiliates) or c.order_id = any(of_orders)))));
    get diagnostics number = row_count;
    changed := changed + number;
    -- Who acted without an account: an affiliate, and an API key that is named after a person. Another
    -- affiliate of the same name keeps theirs where the act says whose it is.
    foreach word in array words loop
        continue when char_length(trim(word)) < 3;
        pattern := '(?<!\w)' || regexp_replace(trim(word), '(\W)', '\\\1', 'g') || '(?!\w)';
        update audit_log set actor_name = regexp_replace(actor_name, pattern, substitute, 'gi'), came_from = null, erased_at = erased
            where merchant_id = current_merchant() and actor_user_id is null and actor_name ~* pattern
                and (actor_kind = 'api' or (actor_kind = 'affiliate'
                    and (subject_kind <> 'affiliate' or subject_id = any(of_affiliates))));
        get diagnostics number = row_count;
        changed := changed + number;
    end loop;
    perform set_config('vouch.erasing', '', true);
    return changed;
end
$$;

drop function replace_in_json(jsonb, text, text);

select set_config('vouch.scope', 'installation', true), set_config('vouch.erasing', 'on', true);
update audit_log set summary = 'A newer version of Vouch recorded ' || action || '.', params = null
    where summary is null;
select set_config('vouch.erasing', '', true);
alter table audit_log drop constraint audit_log_described, alter column summary set not null, drop column params;
