-- A webhook delivery that Vouch itself couldn't process is processed again: with growing pauses, and once
-- by every new build.
create table delivery_failures (
    merchant_id bigint not null,
    delivery_id bigint not null,
    reason text not null,
    build text not null,
    attempts integer not null default 0,
    retry_at timestamptz,
    constraint delivery_failures_pkey primary key (merchant_id, delivery_id),
    constraint delivery_failures_delivery_fkey foreign key (merchant_id, delivery_id) references deliveries (merchant_id, id),
    constraint delivery_failures_reason_known check (reason in ('own_fault', 'value', 'unreadable', 'not_fetched')),
    constraint delivery_failures_attempts_counted check (attempts >= 0)
);
create index delivery_failures_retry_idx on delivery_failures (retry_at) where retry_at is not null;
comment on table delivery_failures is 'Deliveries whose outcome is failed: why, and when they are processed again. A row ends with the attempt that succeeds.';
comment on column delivery_failures.reason is 'own_fault (Vouch failed on it: retried), value (it holds what no row can hold), unreadable (Vouch does not understand it), not_fetched (the store did not show the order that it names).';
comment on column delivery_failures.build is 'The build of Vouch that failed last. Another one tries once more when it starts.';
comment on column delivery_failures.attempts is 'Automatic attempts by that build.';
comment on column delivery_failures.retry_at is 'The next automatic attempt by the same build; null when there is none.';
call protect_merchant_rows('delivery_failures');

-- What failed before this migration is tried by the first build that has it.
select set_config('vouch.scope', 'installation', true);
insert into delivery_failures (merchant_id, delivery_id, reason, build)
select merchant_id, id, case when awaited_ref is null then 'unreadable' else 'not_fetched' end, ''
from deliveries where outcome = 'failed';
select set_config('vouch.scope', '', true);
