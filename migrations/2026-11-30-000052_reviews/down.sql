select set_config('vouch.scope', 'installation', true);
alter table conversions
    add column shown text,
    add column shown_reason text,
    add column status_by text not null default 'system';
update conversions
set shown = status,
    shown_reason = case when status = 'unqualified' then unqualified_reason end,
    status_by = case when status <> 'unqualified' and (review is not null or is_fraud) then 'member' else 'system' end;
set constraints all immediate;
alter table conversions
    drop constraint conversions_shared_of_royalty,
    drop constraint conversions_fraud_of_order,
    drop constraint conversions_denial_reason_given,
    drop constraint conversions_denial_reason_known,
    drop constraint conversions_review_whole,
    drop constraint conversions_review_known,
    drop column status,
    drop column reason,
    drop column review,
    drop column reviewed_by,
    drop column reviewed_at,
    drop column denial_reason,
    drop column review_note,
    drop column unqualified_reason,
    drop column auto_approve,
    drop column not_paid_yet,
    drop column is_fraud,
    drop column shared_revenue_minor,
    drop column shared_refunded_minor;
alter table conversions rename column shown to status;
alter table conversions rename column shown_reason to reason;
alter table conversions
    alter column status set not null,
    add constraint conversions_status_known check (status in ('pending', 'approved', 'denied', 'unqualified')),
    add constraint conversions_status_by_known check (status_by in ('system', 'member')),
    add constraint conversions_reason_given check ((status = 'unqualified') = (reason is not null));
create index conversions_status_idx on conversions (merchant_id, status, occurred_at, id);

-- Rollups as they were counted then: each conversion for itself.
delete from daily_figures;
insert into daily_figures (merchant_id, day, currency, lane, orders, conversions, revenue_minor, discount_minor, refunded_minor, commission_minor)
select merchant_id, day, currency, 0, sum(orders), sum(conversions), sum(revenue), sum(discount), sum(refunded), sum(commission)
from (
    select merchant_id, day, currency, 1 as orders, 0 as conversions, 0::bigint as revenue, 0::bigint as discount,
        0::bigint as refunded, 0::bigint as commission
    from orders
    where placed_at is not null and not is_test and deleted_at is null
    union all
    select merchant_id, day, currency, 0, 1, revenue_minor, discount_minor, refunded_minor, commission_minor
    from conversions
    where status in ('pending', 'approved')
) n
group by merchant_id, day, currency;

alter table orders
    drop constraint orders_fraud_whole,
    drop column fraud_by,
    drop column fraud_at,
    drop column fraud_note;
select set_config('vouch.scope', '', true);
