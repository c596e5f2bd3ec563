drop table outbox;
drop table api_keys;
drop table stores;
