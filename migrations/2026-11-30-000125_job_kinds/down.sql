select set_config('vouch.scope', 'installation', true);
insert into job_queues (merchant_id, kind, store_id, due_at, paused_until, leased_until, lease, failures, last_error)
select merchant_id, case kind when 'code_syncs' then 'compare' else 'deliveries' end, store_id, due_at, paused_until, leased_until, lease, failures, last_error
from job_queues where kind in ('code_syncs', 'delivery_retries');
update jobs set kind = case kind when 'code_syncs' then 'compare' else 'deliveries' end
where kind in ('code_syncs', 'delivery_retries');
delete from job_queues where kind in ('code_syncs', 'delivery_retries');
select set_config('vouch.scope', '', true);
