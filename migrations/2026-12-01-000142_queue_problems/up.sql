-- Why a queue of jobs pauses is a code with parameters. Earlier rows keep their text.
alter table job_queues add column problem jsonb;
alter table job_queues
    add constraint job_queues_one_problem check (last_error is null or problem is null) not valid;
comment on column job_queues.last_error is 'Why it pauses, as a sentence of an earlier version.';
comment on column job_queues.problem is 'Why it pauses: a code with parameters.';
