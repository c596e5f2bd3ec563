-- What the Calculation Logic says of unpaid orders, of gift cards and tips, and of negative fees.
-- Rows that exist keep what was done until now.
alter table calculation_rules
    add column orders_count_when text not null default 'placed',
    add column gift_cards_earn boolean not null default true,
    add column tips_earn boolean not null default true,
    add column negative_fees text not null default 'discount',
    add constraint calculation_rules_orders_count_when_known check (orders_count_when in ('paid', 'placed')),
    add constraint calculation_rules_negative_fees_known check (negative_fees in ('gift_card', 'discount'));
alter table calculation_rules
    alter column orders_count_when drop default,
    alter column gift_cards_earn drop default,
    alter column tips_earn drop default,
    alter column negative_fees drop default;
comment on column calculation_rules.orders_count_when is 'Whether an order counts from when it was placed, or only once it is paid.';
comment on column calculation_rules.gift_cards_earn is 'Whether gift cards and gift certificates that a customer buys earn commission.';
comment on column calculation_rules.tips_earn is 'Whether tips do.';
comment on column calculation_rules.negative_fees is 'What a negative fee of a WooCommerce order is: a gift card, which pays for the goods, or a discount, which lowers the base of commission.';

-- From now on the defaults are in force, also for merchants that are there already; orders that were
-- placed earlier keep the rules of their time. Only when orders count stays as it is until a merchant
-- chooses.
select set_config('vouch.scope', 'installation', true);
update calculation_rules set valid_until = date_trunc('second', now())
where valid_until is null and valid_from < date_trunc('second', now());
insert into calculation_rules
    (merchant_id, valid_from, precedence, include_tax, include_shipping, orders_count_when, gift_cards_earn, tips_earn, negative_fees)
select merchant_id, valid_until, precedence, include_tax, include_shipping, orders_count_when, gift_cards_earn, tips_earn, negative_fees
from calculation_rules
where valid_until = date_trunc('second', now())
on conflict on constraint calculation_rules_pkey do nothing;
update calculation_rules set gift_cards_earn = false, tips_earn = false, negative_fees = 'gift_card'
where valid_until is null;
select set_config('vouch.scope', '', true);
