-- Emails are sent by jobs. Those that wait get theirs when Vouch starts.
alter table jobs add column priority smallint not null default 1;
comment on column jobs.priority is 'Lower goes first among the due jobs of a queue: 0 while a person waits for it, else 1.';
drop index jobs_due_idx;
create index jobs_due_idx on jobs (merchant_id, kind, target_id, priority, run_at, id) where dead_at is null;
comment on column jobs.merchant_id is 'Whose it is; 0 for the instance itself.';
comment on column job_queues.merchant_id is 'Whose its jobs are; 0 for the instance itself.';

-- Any transaction can enqueue jobs of the instance, as it can leave an email.
create policy instance_jobs on job_queues using (merchant_id = 0) with check (merchant_id = 0);
create policy instance_jobs on jobs using (merchant_id = 0) with check (merchant_id = 0);

drop index emails_due_idx;
alter table emails
    drop column is_urgent,
    drop column available_at,
    drop column leased_until,
    drop column lease,
    drop column attempts,
    drop column announced_at;
create index emails_pending_idx on emails (created_at) where delivered_at is null and failed_at is null;
