alter table store_jobs
    alter column due_at drop not null,
    add column not_before timestamptz;
comment on column store_jobs.due_at is 'When the next turn is wanted; null while nothing is, or while a worker has it: what becomes due meanwhile is written here and kept.';
comment on column store_jobs.not_before is 'No turn before that, whatever is due: the store asked for a pause, or the last turns failed.';
create index store_jobs_leased_idx on store_jobs (leased_until) where leased_until is not null;

alter table pushes add column admin_url text;
comment on column pushes.admin_url is 'The discount''s page in the store''s admin, where there is one.';
