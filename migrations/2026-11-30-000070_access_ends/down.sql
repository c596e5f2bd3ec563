drop table instance_log;
alter table letters drop column about_merchant_id;
alter table api_keys drop column scopes, drop column expires_at;
comment on column users.disabled_at is null;
alter table merchants drop column closed_at;
