alter table recalculations drop constraint recalculations_one_failure;
select set_config('vouch.scope', 'installation', true);
update recalculations set last_error = 'See the log.' where failure is not null;
select set_config('vouch.scope', '', true);
alter table recalculations drop column failure;
comment on column recalculations.last_error is null;
