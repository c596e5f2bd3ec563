-- The outcomes of deliveries have the names that pages and metrics show.
alter table deliveries drop constraint deliveries_outcome_known;
select set_config('vouch.scope', 'installation', true);
update deliveries set outcome = case outcome when 'taken_in' then 'processed' else 'ignored' end
    where outcome in ('taken_in', 'noted');
select set_config('vouch.scope', '', true);
alter table deliveries add constraint deliveries_outcome_known
    check (outcome in ('processed', 'outdated', 'ignored', 'failed', 'waiting'));
comment on column deliveries.outcome is 'processed; outdated: a newer report was stored; ignored: signed, has no order data; failed: stored, can be replayed; waiting: names an order that must be fetched from the store.';
