comment on column deliveries.detail is 'Why it failed, or what was noted, for people.';
alter table deliveries drop constraint deliveries_one_reason;
select set_config('vouch.scope', 'installation', true);
update deliveries set detail = case when reason is null then '' else 'See the log.' end
    where detail is null;
select set_config('vouch.scope', '', true);
alter table deliveries
    drop column reason,
    alter column detail set default '',
    alter column detail set not null;
