create table refund_reads (
    merchant_id bigint not null,
    order_id bigint not null,
    store_id bigint not null,
    requested_at timestamptz not null,
    due_at timestamptz,
    attempts integer not null default 0,
    problem text,
    constraint refund_reads_pkey primary key (merchant_id, order_id),
    constraint refund_reads_order_fkey foreign key (merchant_id, order_id) references orders (merchant_id, id),
    constraint refund_reads_store_fkey foreign key (merchant_id, store_id) references stores (merchant_id, id),
    constraint refund_reads_attempts_counted check (attempts >= 0),
    constraint refund_reads_problem_known check (problem in ('no_answer', 'access_denied', 'refused', 'not_listed', 'unreadable')),
    constraint refund_reads_failed_says_why check (due_at is not null or problem is not null)
);
create index refund_reads_due_idx on refund_reads (merchant_id, store_id, due_at);
comment on table refund_reads is 'Orders whose refunds'' lines are still to be read from the store. A row ends with the read that brings them all.';
comment on column refund_reads.requested_at is 'When the newest report came that needs the lines. Only a read that began later ends the row.';
comment on column refund_reads.due_at is 'Not read before; null once reading has failed for good, until the order is reported again.';
comment on column refund_reads.attempts is 'Failed attempts since the lines were requested.';
comment on column refund_reads.problem is 'Why the last attempt failed: no_answer, access_denied, refused (by the store), not_listed (the store answered without one of the refunds), unreadable.';
call protect_merchant_rows('refund_reads');

alter table delivery_failures
    add column attempts integer not null default 0,
    add column retry_at timestamptz,
    add constraint delivery_failures_attempts_counted check (attempts >= 0);
create index delivery_failures_retry_idx on delivery_failures (retry_at) where retry_at is not null;
comment on table delivery_failures is 'Deliveries whose outcome is failed: why, and when they are processed again. A row ends with the attempt that succeeds.';
comment on column delivery_failures.attempts is 'Automatic attempts by that build.';
comment on column delivery_failures.retry_at is 'The next automatic attempt by the same build; null when there is none.';
alter table deliveries
    drop constraint deliveries_awaited_known,
    add column awaited_at timestamptz,
    add column awaited_tries integer not null default 0;
comment on column deliveries.awaited_at is 'That order is not read before.';
comment on column deliveries.awaited_tries is 'Failed tries to read it since the message came or was replayed.';
alter table pushes
    add column attempts integer not null default 0,
    add column available_at timestamptz not null default now();
alter table pushes alter column available_at drop default;
create index pushes_due_idx on pushes (merchant_id, store_id, available_at, id) where status = 'queued';
comment on column pushes.available_at is 'Not to be tried before.';

select set_config('vouch.scope', 'installation', true);
update pushes p set attempts = j.attempts, available_at = j.run_at from jobs j
where j.merchant_id = p.merchant_id and j.kind = 'push' and j.key = p.id::text and p.status = 'queued';
update deliveries set awaited_at = now() where outcome = 'waiting';
update deliveries d set awaited_at = j.run_at, awaited_tries = j.attempts from jobs j
where j.merchant_id = d.merchant_id and j.kind = 'orders' and j.target_id = d.store_id and j.key = d.awaited_ref and d.outcome = 'waiting';
insert into refund_reads (merchant_id, order_id, store_id, requested_at, due_at, attempts, problem)
select j.merchant_id, o.id, o.store_id, j.created_at, case when j.dead_at is null then j.run_at end, j.attempts,
    case when j.reason in ('no_answer', 'access_denied', 'refused', 'not_listed', 'unreadable') then j.reason when j.dead_at is not null then 'no_answer' end
from jobs j join orders o on o.merchant_id = j.merchant_id and o.id::text = j.key where j.kind = 'refunds';
update delivery_failures f set attempts = j.attempts, retry_at = case when j.dead_at is null then j.run_at end from jobs j
where j.merchant_id = f.merchant_id and j.kind = 'deliveries' and j.key = f.delivery_id::text;
delete from jobs where kind in ('push', 'orders', 'refunds', 'deliveries');
delete from job_queues where store_id is null;
insert into jobs (merchant_id, kind, target_id, key, run_at)
select merchant_id, kind, target_id, '', due_at from job_queues where kind in ('push', 'orders', 'refunds') and due_at is not null;
select set_config('vouch.scope', '', true);
alter table deliveries
    add constraint deliveries_awaited_known check (outcome <> 'waiting' or (awaited_ref is not null and awaited_at is not null));
