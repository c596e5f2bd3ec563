comment on column deliveries.detail is 'Why it failed, or what was noted, for people.';
alter table deliveries drop constraint deliveries_one_reason;
update deliveries set detail = case when reason is null then '' else 'See the log.' end
    where detail is null;
alter table deliveries
    drop column reason,
    alter column detail set default '',
    alter column detail set not null;
