alter table deliveries
    add column awaited_ref text,
    add column awaited_at timestamptz,
    add column awaited_tries integer not null default 0,
    drop constraint deliveries_outcome_known,
    add constraint deliveries_outcome_known check (outcome in ('taken_in', 'outdated', 'noted', 'failed', 'waiting')),
    add constraint deliveries_awaited_known check (outcome <> 'waiting' or (awaited_ref is not null and awaited_at is not null));
create index deliveries_waiting_idx on deliveries (merchant_id, store_id, awaited_ref) where outcome = 'waiting';
comment on column deliveries.outcome is 'taken_in; outdated: a newer report was there already; noted: signed, carries no state; failed: kept, can be replayed; waiting: names an order that is still to be read from the store.';
comment on column deliveries.awaited_ref is 'The store''s own id of the order that a message names without saying anything of it.';
comment on column deliveries.awaited_at is 'That order is not read before.';
comment on column deliveries.awaited_tries is 'Failed tries to read it since the message came or was replayed.';
