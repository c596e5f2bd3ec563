-- Why a push, a store or a code sync has a problem is a code with parameters. Earlier rows keep
-- their text.
alter table pushes add column details jsonb;
alter table stores
    add column access_reason jsonb,
    add column webhooks_reason jsonb;
alter table code_syncs add column reason jsonb;
-- Not validated, so that it doesn't read the whole tables. The new columns are empty anyway.
alter table pushes
    add constraint pushes_one_reason check (reason = '' or details is null) not valid;
alter table stores
    add constraint stores_one_access_problem
        check (access_problem is null or access_reason is null) not valid,
    add constraint stores_one_webhooks_problem
        check (webhooks_problem is null or webhooks_reason is null) not valid;
alter table code_syncs
    add constraint code_syncs_one_problem check (problem is null or reason is null) not valid;
comment on column pushes.reason is 'Why it failed or waits, as a sentence of an earlier version.';
comment on column pushes.details is 'Why it failed, waits or is in the store already: a code with parameters.';
comment on column stores.access_problem is 'Why the store can''t be called, as a sentence of an earlier version.';
comment on column stores.access_reason is 'Why the store can''t be called: a code with parameters. Its jobs pause meanwhile.';
comment on column stores.webhooks_problem is 'The problem with its webhooks, as a sentence of an earlier version.';
comment on column stores.webhooks_reason is 'The problem with its webhooks: a code with parameters.';
comment on column code_syncs.problem is 'The missing permission, as a sentence of an earlier version.';
comment on column code_syncs.reason is 'The missing permission: a code with parameters.';
