create table store_jobs (
    merchant_id bigint not null,
    store_id bigint not null,
    kind text not null,
    due_at timestamptz,
    leased_until timestamptz,
    lease bigint not null default 0,
    failures integer not null default 0,
    last_error text,
    state jsonb,
    not_before timestamptz,
    constraint store_jobs_pkey primary key (merchant_id, store_id, kind),
    constraint store_jobs_store_fkey foreign key (merchant_id, store_id) references stores (merchant_id, id)
);
create index store_jobs_due_idx on store_jobs (due_at);
create index store_jobs_leased_idx on store_jobs (leased_until) where leased_until is not null;
comment on table store_jobs is 'What is done for a store in the background, each kind by one worker at a time: a slow store holds up nobody but itself.';
comment on column store_jobs.kind is 'push, orders, refunds, catch_up, webhooks, compare.';
comment on column store_jobs.due_at is 'When the next turn is wanted; null while nothing is, or while a worker has it: what becomes due meanwhile is written here and kept.';
comment on column store_jobs.not_before is 'No turn before that, whatever is due: the store asked for a pause, or the last turns failed.';
comment on column store_jobs.leased_until is 'A worker has it until then, and says so again while it works; past that, another may take it.';
comment on column store_jobs.lease is 'Counts the takings: a worker that lost its lease sees another number and writes nothing.';
comment on column store_jobs.failures is 'Failed turns since the last good one; each makes the next wait longer.';
comment on column store_jobs.state is 'Where an interrupted turn goes on; each kind has its own shape.';
call protect_merchant_rows('store_jobs');

select set_config('vouch.scope', 'installation', true);
insert into store_jobs (merchant_id, store_id, kind, due_at, not_before, lease, failures, last_error, state)
select q.merchant_id, q.store_id, case q.kind when 'backfills' then 'catch_up' else q.kind end, j.run_at, q.paused_until, q.lease, q.failures, q.last_error, j.payload
from job_queues q
left join jobs j on j.merchant_id = q.merchant_id and j.kind = q.kind and j.target_id = q.target_id and j.key = '' and j.dead_at is null
where q.store_id is not null;
select set_config('vouch.scope', '', true);
drop table jobs;
drop table job_queues;
