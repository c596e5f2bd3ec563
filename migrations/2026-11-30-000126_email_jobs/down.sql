drop index emails_pending_idx;
alter table emails
    add column is_urgent boolean not null default false,
    add column available_at timestamptz not null default now(),
    add column leased_until timestamptz,
    add column lease bigint not null default 0,
    add column attempts integer not null default 0,
    add column announced_at timestamptz;
create index emails_due_idx on emails (is_urgent desc, available_at, id) where delivered_at is null and failed_at is null;
comment on column emails.is_urgent is 'The recipient is waiting for it: sent before notifications.';
comment on column emails.leased_until is 'A worker has it until then; past that, another may take it.';
comment on column emails.lease is 'Counts the claims: a worker that lost its lease sees another number and writes nothing.';
comment on column emails.attempts is 'Attempts that the mail server answered; those where it could not be reached do not count.';
comment on column emails.announced_at is 'When it was written to the log, because no mail server is set up.';

select set_config('vouch.scope', 'installation', true);
update emails set is_urgent = link_encrypted is not null where delivered_at is null and failed_at is null;
delete from jobs where kind = 'emails' or merchant_id = 0;
delete from job_queues where kind = 'emails' or merchant_id = 0;
select set_config('vouch.scope', '', true);

drop policy instance_jobs on jobs;
drop policy instance_jobs on job_queues;
comment on column job_queues.merchant_id is null;
comment on column jobs.merchant_id is null;
drop index jobs_due_idx;
create index jobs_due_idx on jobs (merchant_id, kind, target_id, run_at, id) where dead_at is null;
alter table jobs drop column priority;
