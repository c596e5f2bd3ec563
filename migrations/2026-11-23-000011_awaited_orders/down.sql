update deliveries set outcome = 'failed' where outcome = 'waiting';
drop index deliveries_waiting_idx;
alter table deliveries
    drop constraint deliveries_awaited_known,
    drop constraint deliveries_outcome_known,
    add constraint deliveries_outcome_known check (outcome in ('taken_in', 'outdated', 'noted', 'failed')),
    drop column awaited_tries,
    drop column awaited_at,
    drop column awaited_ref;
comment on column deliveries.outcome is 'taken_in; outdated: a newer report was there already; noted: signed, carries no state; failed: kept, can be replayed.';
