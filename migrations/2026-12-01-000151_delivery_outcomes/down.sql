alter table deliveries drop constraint deliveries_outcome_known;
select set_config('vouch.scope', 'installation', true);
update deliveries set outcome = case outcome when 'processed' then 'taken_in' else 'noted' end
    where outcome in ('processed', 'ignored');
select set_config('vouch.scope', '', true);
alter table deliveries add constraint deliveries_outcome_known
    check (outcome in ('taken_in', 'outdated', 'noted', 'failed', 'waiting'));
comment on column deliveries.outcome is 'taken_in; outdated: a newer report was there already; noted: signed, carries no state; failed: kept, can be replayed; waiting: names an order that is still to be read from the store.';
