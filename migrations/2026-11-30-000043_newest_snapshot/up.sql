alter table deliveries
    add column sent_at timestamptz,
    add column reported_at timestamptz,
    add column clamped_times text[] not null default '{}',
    add constraint deliveries_clamped_times_known check (clamped_times <@ array['updated_at', 'placed_at', 'cancelled_at', 'refunded_at', 'deleted_at']);
comment on column deliveries.sent_at is 'When the store sent it (Shopify: X-Shopify-Triggered-At), or Vouch began to read it; null where the store does not say. Of two snapshots with the same timestamp of the store, the one sent later is the newer.';
comment on column deliveries.received_at is 'When it came in; an order that is read again unchanged stands for the last reading. Of two snapshots sent at the same time, the one received later is the newer.';
comment on column deliveries.reported_at is 'The store''s own timestamp of the snapshot, as it counts.';
comment on column deliveries.clamped_times is 'Which timestamps were more than a day ahead, so that the time the message was received counts instead.';

create table one_time_keys (
    merchant_id bigint not null,
    key text not null,
    form text not null,
    used_at timestamptz not null,
    result_id bigint,
    constraint one_time_keys_pkey primary key (merchant_id, key),
    constraint one_time_keys_merchant_fkey foreign key (merchant_id) references merchants (id),
    constraint one_time_keys_form_known check (form in ('amount_credit', 'order_credit'))
);
create index one_time_keys_used_idx on one_time_keys (used_at);
comment on table one_time_keys is 'Forms that created money: each carries a random key, written in the transaction that creates it, so that the same form sent twice creates it once. Kept longer than any session.';
comment on column one_time_keys.result_id is 'What the form created: the conversion, or the order that was credited. Null only until the transaction ends.';
call protect_merchant_rows('one_time_keys');
