-- Why a recalculation failed is a code with parameters. Earlier rows keep their text.
alter table recalculations add column failure jsonb;
alter table recalculations
    add constraint recalculations_one_failure check (last_error is null or failure is null) not valid;
comment on column recalculations.last_error is 'Why its last attempt failed, as text of an earlier version.';
comment on column recalculations.failure is 'Why its last attempt failed: a code with parameters.';
