comment on column code_syncs.problem is 'What the credentials lack, for people.';
comment on column stores.webhooks_problem is 'What is wrong with the store''s webhooks, for people; null when all is well.';
comment on column stores.access_problem is 'Why the store cannot be called any more, for people.';
comment on column pushes.reason is 'Why it failed or waits, in words for people, with the store''s own.';
alter table code_syncs drop constraint code_syncs_one_problem;
alter table stores
    drop constraint stores_one_access_problem,
    drop constraint stores_one_webhooks_problem;
alter table pushes drop constraint pushes_one_reason;
update pushes set reason = 'See the log.' where details is not null;
update stores set access_problem = 'Test the connection.' where access_reason is not null;
update stores set webhooks_problem = 'See the log.' where webhooks_reason is not null;
update code_syncs set problem = 'A permission is missing.' where reason is not null;
alter table code_syncs drop column reason;
alter table stores
    drop column access_reason,
    drop column webhooks_reason;
alter table pushes drop column details;
