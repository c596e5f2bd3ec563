-- Keys of codes, and the look-alike keys that exclusions compare by, follow Unicode's tables, which SQL
-- does not have: Vouch writes them, and works them out again after this migration (see src/rekey).
create table derived_keys (
    name text not null,
    version integer not null,
    constraint derived_keys_pkey primary key (name),
    constraint derived_keys_name_known check (name in ('code', 'look_alike'))
);
comment on table derived_keys is 'By which rules the keys in the database were worked out. Where Vouch has newer ones, it works them out again when it brings the database up to date.';
comment on column derived_keys.name is 'code: triggers.key of coupon codes and SKUs, order_codes.code_key, order_lines.sku_key, code_requests.code_key, stores.counted_codes; look_alike: triggers.look_alike, and the keys of exclusions.';
insert into derived_keys (name, version) values ('code', 1), ('look_alike', 1);

-- A store's own code can have up to 255 characters (triggers_value_length); the 50 of new ones are
-- Vouch's to check.
alter table triggers drop constraint triggers_code_length;
comment on column triggers.key is 'As compared: outer space cut, HTML entities decoded, NFKC, upper case one character for one (e-mail addresses: lower case). Sorted by its bytes, so that the beginning of a key can be looked up in an index.';

alter table triggers
    alter column look_alike drop expression,
    add constraint triggers_look_alike_whole check ((kind = 'coupon_code') = (look_alike is not null));
comment on column triggers.look_alike is 'A coupon code as exclusions compare it: the skeleton of Unicode Technical Standard #39, letters and digits only; null for other kinds.';

-- Two exclusions that were different until their keys were worked out again both stay on the list.
alter table exclusions add column twin smallint not null default 0;
drop index exclusions_key_unique;
create unique index exclusions_key_unique on exclusions (merchant_id, key, twin) where removed_at is null;
comment on column exclusions.twin is '0; more where exclusions that were different before have the same key since keys were worked out again.';
