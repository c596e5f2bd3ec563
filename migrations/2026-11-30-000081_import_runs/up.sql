-- A large file's triggers are created in portions, so that a restart ends one of them at most.
alter table imports
    add column run jsonb,
    add constraint imports_run_open check (run is null or completed_at is null);
create index imports_running_idx on imports (merchant_id, id) where run is not null;
comment on table imports is 'CSV files with conversion triggers: looked at first, then saved in portions. One that is never saved is deleted after a day.';
comment on column imports.run is 'Who saves it, and what they decided, while its triggers are created; null before and after. Rows of import_rows without a problem and a refusal are still to be created.';
comment on column imports.created_count is 'How many triggers it has created so far; once it is completed, its other rows were refused.';
