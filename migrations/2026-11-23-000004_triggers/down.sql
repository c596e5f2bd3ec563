drop table trigger_owners;
drop table triggers;
