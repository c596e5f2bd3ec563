-- Row-level security binds the owner of the tables as well.
select set_config('vouch.scope', 'installation', true);
delete from code_requests where status = 'withdrawn';
drop index code_requests_waiting_idx;
alter table code_requests
    drop constraint code_requests_status_known,
    drop column origin,
    drop column reason,
    add constraint code_requests_status_known check (status in ('pending', 'approved', 'denied'));
alter table registration_settings drop column further_codes;
alter table affiliates drop column payment_address;
