-- Where affiliates' replies to emails from Vouch go.
alter table merchants
    add column contact_email text not null default '',
    add constraint merchants_contact_email_length check (octet_length(contact_email) <= 1016);
comment on column merchants.contact_email is 'Where affiliates'' replies to emails from Vouch go; empty for nowhere.';
