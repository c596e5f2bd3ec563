-- Why a delivery failed or was ignored is a code with parameters. Earlier rows keep their text.
alter table deliveries
    alter column detail drop not null,
    alter column detail drop default,
    add column reason jsonb;
-- Not validated, so that it doesn't read the whole table. The new column is empty anyway.
alter table deliveries
    add constraint deliveries_one_reason check (detail is null or reason is null) not valid;
comment on column deliveries.detail is 'Why it failed or was ignored, as a sentence of an earlier version.';
comment on column deliveries.reason is 'Why it failed, waits or was ignored: a code with parameters.';
