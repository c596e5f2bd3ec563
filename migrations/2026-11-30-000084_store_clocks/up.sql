-- How far a store's clock is from Vouch's, and what an order was dated by because of it.
create table store_clocks (
    merchant_id bigint not null,
    store_id bigint not null,
    behind_seconds integer not null,
    measured_at timestamptz not null,
    constraint store_clocks_pkey primary key (merchant_id, store_id),
    constraint store_clocks_store_fkey foreign key (merchant_id, store_id) references stores (merchant_id, id)
);
comment on table store_clocks is 'What the store''s last answer said of its clock (the Date header), one row a store.';
comment on column store_clocks.behind_seconds is 'How far the store''s clock was behind Vouch''s at least; below zero where it was ahead, zero where they may agree.';
call protect_merchant_rows('store_clocks');

alter table orders add column clock_shift_seconds integer;
comment on column orders.clock_shift_seconds is 'By how much the store''s time of placement was moved to Vouch''s clock: decided when the order was first reported, and kept. Null for orders from before that. placed_at includes it.';
