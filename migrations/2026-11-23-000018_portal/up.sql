alter table affiliates
    add column payment_address text not null default '',
    add constraint affiliates_payment_address_length check (char_length(payment_address) <= 500);
comment on column affiliates.payment_address is 'Where the affiliate wants to be paid, in their own words: an e-mail address for PayPal, or bank details; empty if they did not say.';

alter table registration_settings add column further_codes boolean not null default false;
comment on column registration_settings.further_codes is 'Whether affiliates can ask for further codes in their portal.';

alter table code_requests
    add column origin text not null default 'application',
    add column reason text not null default '',
    drop constraint code_requests_status_known,
    add constraint code_requests_status_known check (status in ('pending', 'approved', 'denied', 'withdrawn')),
    add constraint code_requests_origin_known check (origin in ('application', 'portal')),
    add constraint code_requests_reason_length check (char_length(reason) <= 1000);
create index code_requests_waiting_idx on code_requests (merchant_id, id) where status = 'pending' and origin = 'portal';
comment on column code_requests.origin is 'application: decided together with its affiliate; portal: a further code, decided on its own.';
comment on column code_requests.reason is 'Why a further code was denied, in the words of a member: the affiliate reads it.';
