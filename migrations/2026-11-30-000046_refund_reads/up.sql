-- A WooCommerce order only outlines its refunds. What each was for is read from the store.
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
comment on column store_jobs.kind is 'push, orders, refunds, catch_up, webhooks, compare.';
call protect_merchant_rows('refund_reads');

-- Refunds that are known already were spread over all lines, and those without a tax as if they had
-- none: their lines are read as well.
select set_config('vouch.scope', 'installation', true);
insert into refund_reads (merchant_id, order_id, store_id, requested_at, due_at)
select o.merchant_id, o.id, o.store_id, now(), now()
from orders o join stores s on s.merchant_id = o.merchant_id and s.id = o.store_id
where s.platform = 'woocommerce' and jsonb_array_length(o.state #> '{report,refunds}') > 0;
insert into store_jobs (merchant_id, store_id, kind, due_at)
select distinct merchant_id, store_id, 'refunds', now() from refund_reads
on conflict do nothing;
select set_config('vouch.scope', '', true);
