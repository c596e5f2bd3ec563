-- Every page shows whether there is another place to switch to, and the places with other merchants
-- cannot be seen from within one: so the person carries their number.
alter table users
    add column places integer not null default 0,
    add constraint users_places_counted check (places >= 0);
comment on column users.places is 'How many members and affiliates point here: kept by whoever writes those.';

select set_config('vouch.scope', 'installation', true);
update users set places = found.places
from (
    select user_id, count(*) as places
    from (select user_id from members union all select user_id from affiliates where user_id is not null) as held
    group by user_id
) as found
where users.id = found.user_id;
select set_config('vouch.scope', '', true);
