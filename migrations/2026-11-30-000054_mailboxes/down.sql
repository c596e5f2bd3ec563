drop index triggers_handover_idx;
alter table triggers drop column handover_at;
select set_config('vouch.scope', 'installation', true);
update orders set customer_email_key = lower(normalize(btrim(customer_email), nfkc))
    where customer_email_key is not null and customer_email_key <> lower(normalize(btrim(customer_email), nfkc));
-- First out of each other's way: a key can be what another one becomes.
update triggers set key = key || ' ' || id where kind = 'customer_email';
update triggers set key = lower(normalize(btrim(value), nfkc)) where kind = 'customer_email';
select set_config('vouch.scope', '', true);
comment on column orders.customer_email_key is null;
comment on column triggers.key is 'As compared: outer space cut, NFKC, upper case (e-mail addresses: lower case). Sorted by its bytes, so that the beginning of a key can be looked up in an index.';
drop table affiliate_emails;
