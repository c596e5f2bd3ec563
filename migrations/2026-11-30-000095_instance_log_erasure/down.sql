drop function erase_from_instance_log(bigint, text[], text);
drop function forget_instance_addresses(timestamptz);
drop policy erasure on instance_log;
