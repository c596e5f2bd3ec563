drop table refund_reads;
select set_config('vouch.scope', 'installation', true);
delete from store_jobs where kind = 'refunds';
select set_config('vouch.scope', '', true);
comment on column store_jobs.kind is 'push, orders, catch_up, webhooks, compare.';
