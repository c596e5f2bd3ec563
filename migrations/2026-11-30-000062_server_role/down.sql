-- The addresses that were taken out of the audit log are gone for good, and grants stay as they are.
drop function remember_many(text);
drop function erase_from_records(bigint, text[], text);
drop function forget_audit_addresses(timestamptz);
drop policy erasure on commission_entries;
drop policy erasure on audit_log;
drop procedure grant_to_server(name);
drop function is_append_only(oid);
grant execute on procedure protect_merchant_rows(regclass, boolean) to public;
