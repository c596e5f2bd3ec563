-- A conversion's ledger is a chain. Every entry names the balance before it, and the conversion names
-- the last entry, so the database refuses a conversion whose entries don't add up to it. A ledger
-- holds one currency at a time: another one begins only where the balance is zero.

select set_config('vouch.scope', 'installation', true);
alter table commission_entries no force row level security;

-- Amounts were added up by kind, whatever their currency. What a ledger holds in another currency
-- than its conversion's is taken back there and entered in the conversion's currency.
with misplaced as (
    select e.merchant_id, e.conversion_id, c.currency as own, e.currency as other,
        case when e.kind = 'sale' then 'adjustment' else e.kind end as kind,
        sum(e.amount_minor) as minor
    from commission_entries e
    join conversions c on c.merchant_id = e.merchant_id and c.id = e.conversion_id
    where e.currency <> c.currency
    group by 1, 2, 3, 4, 5
    having sum(e.amount_minor) <> 0
)
insert into commission_entries (merchant_id, conversion_id, kind, amount_minor, currency, at, cause)
select m.merchant_id, m.conversion_id, m.kind, n.minor, n.currency, now(), 'ledger.currency_corrected'
from misplaced m
cross join lateral (values (m.other, -m.minor), (m.own, m.minor)) as n (currency, minor)
order by m.merchant_id, m.conversion_id, n.currency = m.own;

-- What is left is a fault of the past: the conversion says what is right.
insert into commission_entries (merchant_id, conversion_id, kind, amount_minor, currency, at, cause)
select c.merchant_id, c.id, 'adjustment', c.commission_minor - coalesce(e.minor, 0), c.currency, now(),
    'ledger.balance_corrected'
from conversions c
left join (
    select merchant_id, conversion_id, sum(amount_minor) as minor
    from commission_entries
    group by 1, 2
) e on e.merchant_id = c.merchant_id and e.conversion_id = c.id
where c.commission_minor <> coalesce(e.minor, 0);

alter table commission_entries
    add column seq integer,
    add column balance_minor bigint,
    add column prior_currency char(3);
update commission_entries e
set seq = n.seq, balance_minor = n.balance_minor, prior_currency = n.prior_currency
from (
    select f.merchant_id, f.id,
        row_number() over chain as seq,
        sum(f.amount_minor) over (partition by f.merchant_id, f.conversion_id, f.currency order by f.id) as balance_minor,
        lag(f.currency) over chain as prior_currency
    from commission_entries f
    join conversions c on c.merchant_id = f.merchant_id and c.id = f.conversion_id
    window chain as (partition by f.merchant_id, f.conversion_id order by f.currency = c.currency, f.currency, f.id)
) n
where n.merchant_id = e.merchant_id and n.id = e.id;

alter table conversions
    add column entries integer not null default 0,
    add column ledger_currency char(3);
update conversions c
set entries = e.seq, ledger_currency = e.currency
from (
    select distinct on (merchant_id, conversion_id) merchant_id, conversion_id, seq, currency
    from commission_entries
    order by merchant_id, conversion_id, seq desc
) e
where e.merchant_id = c.merchant_id and e.conversion_id = c.id;

alter table commission_entries
    alter column seq set not null,
    alter column balance_minor set not null,
    add column prior_seq integer generated always as (nullif(seq - 1, 0)) stored,
    add column prior_balance_minor bigint generated always as (
        case when prior_currency = currency then balance_minor - amount_minor when prior_currency is not null then 0 end
    ) stored;

alter table conversions
    add constraint conversions_entries_counted check (entries >= 0),
    add constraint conversions_ledger_named check ((entries = 0) = (ledger_currency is null)),
    add constraint conversions_ledger_currency check (commission_minor = 0 or coalesce(ledger_currency = currency, false));
alter table commission_entries
    add constraint commission_entries_seq_unique unique (merchant_id, conversion_id, seq),
    add constraint commission_entries_balance_unique unique (merchant_id, conversion_id, seq, currency, balance_minor),
    add constraint commission_entries_seq_counted check (seq >= 1),
    add constraint commission_entries_prior_named check ((seq = 1) = (prior_currency is null)),
    add constraint commission_entries_adds_up check (coalesce(prior_currency = currency, false) or balance_minor = amount_minor),
    add constraint commission_entries_prior_fkey foreign key (merchant_id, conversion_id, prior_seq, prior_currency, prior_balance_minor)
        references commission_entries (merchant_id, conversion_id, seq, currency, balance_minor);
alter table conversions
    add constraint conversions_ledger_fkey foreign key (merchant_id, id, entries, ledger_currency, commission_minor)
        references commission_entries (merchant_id, conversion_id, seq, currency, balance_minor) deferrable initially deferred;
drop index commission_entries_conversion_idx;
-- Every foreign key has an index. Entries never change, so these are never read, and small.
create index commission_entries_prior_idx on commission_entries
    (merchant_id, conversion_id, prior_seq, prior_currency, prior_balance_minor) where prior_seq is not null;
create index conversions_ledger_idx on conversions
    (merchant_id, id, entries, ledger_currency, commission_minor) where entries > 1;

-- No entry stands beyond the one that its conversion names: the conversion is written first.
create policy within_ledger on commission_entries as restrictive for insert with check (exists (
    select from conversions c
    where c.merchant_id = commission_entries.merchant_id and c.id = commission_entries.conversion_id
        and c.entries >= commission_entries.seq
));
create policy ends_ledger on conversions as restrictive for update using (true) with check (not exists (
    select from commission_entries e
    where e.merchant_id = conversions.merchant_id and e.conversion_id = conversions.id
        and e.seq > conversions.entries
));

comment on column commission_entries.seq is 'The entry''s place in its conversion''s ledger, from 1.';
comment on column commission_entries.balance_minor is 'The ledger''s balance in this currency after the entry.';
comment on column commission_entries.prior_currency is 'The currency of the entry before; null for the first. Another currency begins at a balance of zero.';
comment on column conversions.entries is 'How many entries its ledger has; the last one''s balance is the commission.';
comment on column conversions.ledger_currency is 'The currency of the last entry; null without entries.';

alter table commission_entries force row level security;
select set_config('vouch.scope', '', true);
