select set_config('vouch.scope', 'installation', true);
update stores set name = address where address is not null;
select set_config('vouch.scope', '', true);
