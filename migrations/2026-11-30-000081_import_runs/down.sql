drop index imports_running_idx;
alter table imports drop column run;
comment on table imports is 'CSV files with conversion triggers: looked at first, then saved in one transaction. One that is never saved is forgotten after a day.';
comment on column imports.created_count is 'How many triggers it has created; its other rows were refused.';
