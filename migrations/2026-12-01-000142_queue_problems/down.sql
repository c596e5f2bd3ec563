alter table job_queues drop constraint job_queues_one_problem;
select set_config('vouch.scope', 'installation', true);
update job_queues set last_error = 'See the log.' where problem is not null;
select set_config('vouch.scope', '', true);
alter table job_queues drop column problem;
comment on column job_queues.last_error is null;
