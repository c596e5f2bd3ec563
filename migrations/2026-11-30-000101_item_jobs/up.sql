-- A job for each push, order to fetch, order whose refunds are read, and delivery that is processed again,
-- instead of attempts and times in four tables.
select set_config('vouch.scope', 'installation', true);
delete from jobs where kind in ('push', 'orders', 'refunds');
insert into job_queues (merchant_id, kind, store_id)
select merchant_id, 'push', store_id from pushes where status = 'queued'
union select merchant_id, 'orders', store_id from deliveries where outcome = 'waiting'
union select merchant_id, 'refunds', store_id from refund_reads
union select merchant_id, 'deliveries', null from delivery_failures where retry_at is not null
on conflict do nothing;
insert into jobs (merchant_id, kind, target_id, key, run_at, attempts)
select merchant_id, 'push', store_id, id::text, available_at, attempts from pushes where status = 'queued';
insert into jobs (merchant_id, kind, target_id, key, run_at, attempts)
select merchant_id, 'orders', store_id, awaited_ref, min(awaited_at), max(awaited_tries) from deliveries
where outcome = 'waiting' group by merchant_id, store_id, awaited_ref;
insert into jobs (merchant_id, kind, target_id, key, run_at, attempts, reason, dead_at)
select merchant_id, 'refunds', store_id, order_id::text, coalesce(due_at, requested_at), attempts, problem, case when due_at is null then now() end
from refund_reads;
insert into jobs (merchant_id, kind, target_id, key, run_at, attempts, reason)
select merchant_id, 'deliveries', 0, delivery_id::text, retry_at, attempts, reason from delivery_failures where retry_at is not null;
update job_queues q set due_at = least(q.due_at, j.run_at)
from (select merchant_id, kind, target_id, min(run_at) as run_at from jobs where dead_at is null group by merchant_id, kind, target_id) j
where j.merchant_id = q.merchant_id and j.kind = q.kind and j.target_id = q.target_id;
select set_config('vouch.scope', '', true);

drop index pushes_due_idx;
alter table pushes
    drop column attempts,
    drop column available_at;
alter table deliveries
    drop constraint deliveries_awaited_known,
    drop column awaited_at,
    drop column awaited_tries,
    add constraint deliveries_awaited_known check (outcome <> 'waiting' or awaited_ref is not null);
alter table delivery_failures
    drop column attempts,
    drop column retry_at;
comment on table delivery_failures is 'Deliveries whose outcome is failed, and why; jobs process them again. A row ends with the attempt that succeeds.';
drop table refund_reads;
