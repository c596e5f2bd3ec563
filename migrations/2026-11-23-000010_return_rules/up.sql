create table return_rules (
    merchant_id bigint not null,
    store_id bigint not null,
    valid_from timestamptz not null,
    valid_until timestamptz,
    keeps_cancelled boolean not null,
    keeps_refunded boolean not null,
    constraint return_rules_pkey primary key (merchant_id, store_id, valid_from),
    constraint return_rules_store_fkey foreign key (merchant_id, store_id) references stores (merchant_id, id),
    constraint return_rules_period check (valid_until is null or valid_until > valid_from)
);
create unique index return_rules_open_unique on return_rules (merchant_id, store_id) where valid_until is null;
comment on table return_rules is 'What a cancellation or a refund does to the commission on orders of a store, dated: an order keeps the rules of the moment it was placed. Before the first row, and without any, commission follows.';
comment on column return_rules.keeps_cancelled is 'Whether a cancellation leaves commission as it is, for a member to decide by hand.';
comment on column return_rules.keeps_refunded is 'Whether a refund does.';
call protect_merchant_rows('return_rules');
