-- Members decide, the system qualifies, and neither overwrites the other: a conversion keeps both.
-- What lists show, `status` and `reason`, follows from them.
--
-- Beside that, what an order's main conversion has too of a royalty, so that the merchant's totals
-- take the order once.

select set_config('vouch.scope', 'installation', true);

alter table orders
    add column fraud_by text,
    add column fraud_at timestamptz,
    add column fraud_note text,
    add constraint orders_fraud_whole check ((fraud_by is null) = (fraud_at is null) and (fraud_by is null) = (fraud_note is null));
comment on column orders.fraud_by is 'The member who denied the order as fraud: every conversion of it, present and future, is denied until a member lifts that.';
comment on column orders.fraud_at is 'When they did.';
comment on column orders.fraud_note is 'What they noted.';

alter table conversions
    add column review text,
    add column reviewed_by text,
    add column reviewed_at timestamptz,
    add column denial_reason text,
    add column review_note text not null default '',
    add column unqualified_reason text,
    add column auto_approve boolean not null default false,
    add column not_paid_yet boolean not null default false,
    add column is_fraud boolean not null default false,
    add column shared_revenue_minor bigint not null default 0,
    add column shared_refunded_minor bigint not null default 0;

-- A review that a member made, and who made it when: the newest entry of the log. The log also knows
-- what was said of those that don't qualify now.
update conversions c
set review = r.review,
    reviewed_by = case when r.review is not null then coalesce(r.actor_name, 'Member') end,
    reviewed_at = case when r.review is not null then coalesce(r.at, c.updated_at) end,
    denial_reason = case when r.review = 'denied' then 'other' end,
    review_note = case when r.review is not null then coalesce(r.note, '') else '' end,
    auto_approve = c.status_by = 'system' and c.status = 'approved',
    unqualified_reason = c.reason
from (
    select k.merchant_id, k.id, l.actor_name, l.at, l.note,
        case when k.status = 'unqualified' then l.review when k.status_by = 'member' then k.status end as review
    from conversions k
    left join lateral (
        select a.actor_name, a.at, a.after ->> 'note' as note,
            case when a.after ->> 'status_by' = 'member' then a.after ->> 'status' end as review
        from audit_log a
        where a.merchant_id = k.merchant_id and a.subject_kind = 'conversion' and a.subject_id = k.id
            and a.action in ('conversion.status_changed', 'conversion.given')
        order by a.id desc
        limit 1
    ) l on true
) r
where r.merchant_id = c.merchant_id and r.id = c.id;

-- A denial that was noted as fraud holds for the order.
update conversions set denial_reason = 'fraud' where denial_reason = 'other' and review_note ~* '\mfraud';
update orders o
set fraud_by = n.reviewed_by, fraud_at = n.reviewed_at, fraud_note = n.review_note
from (
    select distinct on (merchant_id, order_id) merchant_id, order_id, reviewed_by, reviewed_at, review_note
    from conversions
    where denial_reason = 'fraud' and order_id is not null
    order by merchant_id, order_id, reviewed_at desc
) n
where n.merchant_id = o.merchant_id and n.order_id = o.id;
update conversions c
set is_fraud = true
from orders o
where o.merchant_id = c.merchant_id and o.id = c.order_id and o.fraud_by is not null;

-- The decision on its order says of what is denied whether it qualifies, and of what a rule stands
-- against whether its offer approves automatically.
update conversions c
set unqualified_reason = case when c.status <> 'denied' then c.unqualified_reason
        when d.credit is null then 'no_longer_credited'
        else d.credit -> 'unqualified' ->> 'reason' end,
    auto_approve = coalesce((d.credit ->> 'auto_approve')::boolean, false)
from (
    select o.merchant_id, f.id, (
        select credit from jsonb_array_elements(o.decision -> 'credits') credit
        where (credit -> 'affiliate' ->> 'id')::bigint = f.affiliate_id
        limit 1
    ) as credit
    from conversions f
    join orders o on o.merchant_id = f.merchant_id and o.id = f.order_id
    where f.status in ('denied', 'unqualified') and jsonb_typeof(o.decision -> 'credits') = 'array'
) d
where d.merchant_id = c.merchant_id and d.id = c.id;

-- The lines of a royalty that the order's main credit earns from too.
update conversions c
set shared_refunded_minor = n.refunded,
    shared_revenue_minor = case when c.revenue_minor = 0 then 0 else n.gross - n.refunded end
from (
    select o.merchant_id, f.id,
        sum((line ->> 'base_minor')::bigint) as gross,
        sum((line ->> 'refunded_minor')::bigint) as refunded
    from conversions f
    join orders o on o.merchant_id = f.merchant_id and o.id = f.order_id
    cross join lateral jsonb_array_elements(o.decision -> 'credits') credit
    cross join lateral jsonb_array_elements(credit -> 'lines') line
    where f.via = 'sku' and f.unqualified_reason is distinct from 'no_longer_credited'
        and jsonb_typeof(o.decision -> 'credits') = 'array'
        and (credit -> 'affiliate' ->> 'id')::bigint = f.affiliate_id
        and coalesce(line ->> 'note', '') <> 'excluded_sku'
        and exists (
            select from jsonb_array_elements(o.decision -> 'credits') main,
                jsonb_array_elements(main -> 'lines') other
            where main ->> 'via' <> 'sku' and other ->> 'line_ref' = line ->> 'line_ref'
                and coalesce(other ->> 'note', '') <> 'excluded_sku'
        )
    group by o.merchant_id, f.id
) n
where n.merchant_id = c.merchant_id and n.id = c.id;

-- What is deferred to the commit would stand against the changes of the table.
set constraints all immediate;
alter table conversions
    drop column status,
    drop column status_by,
    drop column reason;
alter table conversions
    add column status text not null generated always as (
        case when is_fraud or review = 'denied' then 'denied'
            when unqualified_reason is not null then 'unqualified'
            when not_paid_yet then 'pending'
            when review is not null then review
            when auto_approve then 'approved'
            else 'pending' end
    ) stored,
    add column reason text generated always as (
        case when is_fraud then 'fraud'
            when review = 'denied' then denial_reason
            when unqualified_reason is not null then unqualified_reason
            when not_paid_yet then 'not_paid_yet' end
    ) stored,
    add constraint conversions_review_known check (review in ('pending', 'approved', 'denied')),
    add constraint conversions_review_whole check ((review is null) = (reviewed_by is null) and (review is null) = (reviewed_at is null)),
    add constraint conversions_denial_reason_known check (denial_reason in ('fraud', 'terms', 'misuse', 'duplicate', 'returned', 'other')),
    add constraint conversions_denial_reason_given check (coalesce(review = 'denied', false) = (denial_reason is not null)),
    add constraint conversions_fraud_of_order check (not is_fraud or order_id is not null),
    add constraint conversions_shared_of_royalty check (via = 'sku' or (shared_revenue_minor = 0 and shared_refunded_minor = 0));
create index conversions_status_idx on conversions (merchant_id, status, occurred_at, id);

comment on column conversions.review is 'What a member said; null as long as none did. No update of the order touches it.';
comment on column conversions.reviewed_by is 'The member who said it.';
comment on column conversions.denial_reason is 'Why it was denied: a code.';
comment on column conversions.review_note is 'What the member noted with it.';
comment on column conversions.unqualified_reason is 'Why it doesn''t qualify, by the system: the name of a rule. Null if it does.';
comment on column conversions.auto_approve is 'Its offer approves it without a member.';
comment on column conversions.not_paid_yet is 'The order counts once it''s paid, and isn''t yet.';
comment on column conversions.is_fraud is 'The order was denied as fraud: orders.fraud_by.';
comment on column conversions.shared_revenue_minor is 'How much of a royalty''s revenue is the order''s main conversion''s too: the merchant''s totals take it once.';
comment on column conversions.shared_refunded_minor is 'The same of its refunds.';
comment on column conversions.status is 'What is shown and counted: denied before unqualified before not paid yet before the review.';
comment on column conversions.reason is 'Why it stands so: a code.';

-- The days of the merchant, recounted.
delete from daily_figures;
insert into daily_figures (merchant_id, day, currency, lane, orders, conversions, revenue_minor, discount_minor, refunded_minor, commission_minor)
select merchant_id, day, currency, 0, sum(orders), sum(conversions), sum(revenue), sum(discount), sum(refunded), sum(commission)
from (
    select merchant_id, day, currency, 1 as orders, 0 as conversions, 0::bigint as revenue, 0::bigint as discount,
        0::bigint as refunded, 0::bigint as commission
    from orders
    where placed_at is not null and not is_test and deleted_at is null
    union all
    select c.merchant_id, c.day, c.currency, 0, 1,
        c.revenue_minor - case when m.id is null then 0 else c.shared_revenue_minor end, c.discount_minor,
        c.refunded_minor - case when m.id is null then 0 else c.shared_refunded_minor end, c.commission_minor
    from conversions c
    left join conversions m on c.via = 'sku' and m.merchant_id = c.merchant_id and m.order_id = c.order_id
        and m.via <> 'sku' and m.status in ('pending', 'approved')
    where c.status in ('pending', 'approved')
) n
group by merchant_id, day, currency;

select set_config('vouch.scope', '', true);
