drop table one_time_keys;
alter table deliveries
    drop constraint deliveries_clamped_times_known,
    drop column clamped_times,
    drop column reported_at,
    drop column sent_at;
comment on column deliveries.received_at is null;
