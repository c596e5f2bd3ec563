-- Kinds of jobs have the names of what they do: `compare` is a code sync, `deliveries` retries one.
select set_config('vouch.scope', 'installation', true);
insert into job_queues (merchant_id, kind, store_id, due_at, paused_until, leased_until, lease, failures, last_error)
select merchant_id, case kind when 'compare' then 'code_syncs' else 'delivery_retries' end, store_id, due_at, paused_until, leased_until, lease, failures, last_error
from job_queues where kind in ('compare', 'deliveries');
update jobs set kind = case kind when 'compare' then 'code_syncs' else 'delivery_retries' end
where kind in ('compare', 'deliveries');
delete from job_queues where kind in ('compare', 'deliveries');
select set_config('vouch.scope', '', true);
