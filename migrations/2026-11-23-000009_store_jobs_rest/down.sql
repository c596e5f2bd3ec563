alter table pushes drop column admin_url;

drop index store_jobs_leased_idx;
update store_jobs set due_at = 'infinity' where due_at is null;
alter table store_jobs
    drop column not_before,
    alter column due_at set not null;
comment on column store_jobs.due_at is null;
