-- Stores are called by their title instead of their domain. Vouch learns the store's own title
-- when it next tests the connection.
select set_config('vouch.scope', 'installation', true);
update stores s
set name = m.name || ' on '
    || case s.platform when 'shopify' then 'Shopify' when 'bigcommerce' then 'BigCommerce' else 'WooCommerce' end
    || case when exists (
        select from stores o
        where o.merchant_id = s.merchant_id and o.platform = s.platform and o.id <> s.id
    ) then ' (' || s.address || ')' else '' end
from merchants m
where m.id = s.merchant_id and s.address is not null and s.name = s.address;
select set_config('vouch.scope', '', true);
