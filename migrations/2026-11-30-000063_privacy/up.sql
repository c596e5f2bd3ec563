-- Erasure and export of one person, requests of Shopify, and how long personal data is kept. See
-- docs/privacy.md.

alter table merchants add column erasure_key bytea;
comment on column merchants.erasure_key is 'What pseudonyms of erased people are made with: 32 random bytes, encrypted with the instance''s key; null until the first erasure.';

create table erased_emails (
    merchant_id bigint not null,
    email_hash bytea not null,
    erased_at timestamptz not null,
    constraint erased_emails_pkey primary key (merchant_id, email_hash),
    constraint erased_emails_merchant_fkey foreign key (merchant_id) references merchants (id)
);
comment on table erased_emails is 'Email addresses of people who were erased: what a store sends of them later is kept under their pseudonym only.';
comment on column erased_emails.email_hash is 'HMAC-SHA-256 of the mailbox under the merchant''s erasure key, the first 16 bytes: the pseudonym.';
call protect_merchant_rows('erased_emails');

alter table orders add column erased_at timestamptz;
create index orders_customers_idx on orders (merchant_id, placed_at) where erased_at is null;
comment on column orders.erased_at is 'When its customer was erased. What the store sends of the customer later is left out.';

alter table affiliates add column erased_at timestamptz;
comment on column affiliates.erased_at is 'When the person was erased: name and email are a pseudonym since.';

alter table audit_log add column erased_at timestamptz;
create index audit_log_came_from_idx on audit_log (merchant_id, at) where came_from is not null;
comment on column audit_log.erased_at is 'When personal data was taken out of it, because a person was erased.';

-- What was done to a person, and from where they did something themselves: the act stays, its details go.
-- With the owner's right, as erase_from_records, and within the merchant of the transaction. Of orders
-- and conversions only notes go, since an undo needs what was.
create function erase_acts(person_user_id bigint, of_affiliates bigint[], of_orders bigint[], words text[], substitute text, erased timestamptz) returns bigint
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
comment on function erase_acts(bigint, bigint[], bigint[], text[], text, timestamptz) is
    'Takes the details of what was done to one person out of the audit log of the transaction''s merchant; acts and times stay.';
revoke execute on function erase_acts(bigint, bigint[], bigint[], text[], text, timestamptz) from public;

alter table stores
    add column privacy_secret bytea,
    add column erasure_requested_at timestamptz,
    add column erased_at timestamptz;
comment on column stores.privacy_secret is 'The webhook secret of a store that is disconnected, encrypted alike: only privacy requests are accepted with it.';
comment on column stores.erasure_requested_at is 'When the store asked for the erasure of its data (Shopify: shop/redact); otherwise its retention period decides.';
comment on column stores.erased_at is 'When the customers of its orders were erased after it was disconnected.';

create table data_requests (
    merchant_id bigint not null,
    id bigint generated by default as identity,
    store_id bigint not null,
    request_ref text not null,
    email text not null,
    order_refs text[] not null default '{}',
    received_at timestamptz not null,
    completed_at timestamptz,
    completed_by bigint,
    constraint data_requests_pkey primary key (merchant_id, id),
    constraint data_requests_store_fkey foreign key (merchant_id, store_id) references stores (merchant_id, id),
    constraint data_requests_user_fkey foreign key (completed_by) references users (id),
    constraint data_requests_ref_unique unique (merchant_id, store_id, request_ref),
    constraint data_requests_email_gone check (completed_at is null or (email = '' and order_refs = '{}'))
);
create index data_requests_user_idx on data_requests (completed_by);
create index data_requests_open_idx on data_requests (merchant_id, id) where completed_at is null;
comment on table data_requests is 'Customers who asked for their data at the store (Shopify: customers/data_request): tasks of the merchant.';
comment on column data_requests.request_ref is 'The platform''s id of the request.';
comment on column data_requests.email is 'Whose; empty once it is completed.';
comment on column data_requests.order_refs is 'The store''s ids of the orders it names.';
call protect_merchant_rows('data_requests');

-- Bodies are emptied merchant by merchant.
drop index deliveries_bodies_idx;
create index deliveries_bodies_idx on deliveries (merchant_id, received_at) where body_gzip is not null;
comment on column deliveries.body_gzip is 'The raw body, gzip; emptied after the retention period, and when its customer is erased.';

create table retention_settings (
    merchant_id bigint not null,
    bodies_days integer not null,
    failed_bodies_days integer not null,
    customers_days integer not null,
    audit_ips_days integer not null,
    disconnected_days integer not null,
    updated_at timestamptz not null,
    constraint retention_settings_pkey primary key (merchant_id),
    constraint retention_settings_merchant_fkey foreign key (merchant_id) references merchants (id),
    constraint retention_settings_bodies check (bodies_days between 1 and 365),
    constraint retention_settings_failed_bodies check (failed_bodies_days between 1 and 365),
    constraint retention_settings_customers check (customers_days between 30 and 3650),
    constraint retention_settings_audit_ips check (audit_ips_days between 1 and 3650),
    constraint retention_settings_disconnected check (disconnected_days between 0 and 365)
);
comment on table retention_settings is 'For how many days a merchant keeps personal data; the defaults hold without a row.';
comment on column retention_settings.bodies_days is 'Raw bodies of webhook deliveries that were processed.';
comment on column retention_settings.failed_bodies_days is 'Raw bodies of deliveries that failed.';
comment on column retention_settings.customers_days is 'Names and emails of customers on orders, since the order was placed.';
comment on column retention_settings.audit_ips_days is 'IP addresses in the audit log.';
comment on column retention_settings.disconnected_days is 'Names and emails of customers of a store, since it was disconnected.';
call protect_merchant_rows('retention_settings');
