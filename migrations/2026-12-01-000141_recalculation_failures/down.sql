alter table recalculations drop constraint recalculations_one_failure;
update recalculations set last_error = 'See the log.' where failure is not null;
alter table recalculations drop column failure;
comment on column recalculations.last_error is null;
