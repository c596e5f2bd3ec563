select set_config('vouch.scope', 'installation', true);
update exclusions set removed_at = now() where twin > 0 and removed_at is null;
select set_config('vouch.scope', '', true);
drop index exclusions_key_unique;
create unique index exclusions_key_unique on exclusions (merchant_id, key) where removed_at is null;
alter table exclusions drop column twin;

alter table triggers drop constraint triggers_look_alike_whole;
alter table triggers drop column look_alike;
alter table triggers add column look_alike text collate "C" generated always as (
    case when kind = 'coupon_code'
        then translate(key, E'OIL-_\u2010\u2011\u2012\u2013\u2014\u2015\u2212', '011') end) stored;
create index triggers_look_alike_idx on triggers (merchant_id, look_alike) where look_alike is not null;
create index triggers_look_alike_search_idx on triggers using gin (merchant_id, look_alike gin_trgm_ops) where look_alike is not null;
comment on column triggers.look_alike is 'A coupon code as exclusions compare it; null for other kinds.';
comment on column triggers.key is 'As compared: outer space cut, NFKC, upper case (e-mail addresses: lower case). Sorted by its bytes, so that the beginning of a key can be looked up in an index.';
-- Longer ones stay as they are.
alter table triggers add constraint triggers_code_length check (kind <> 'coupon_code' or char_length(value) <= 50) not valid;

drop table derived_keys;
