drop procedure protect_merchant_rows(regclass, boolean);
drop function current_scope();
drop function current_person();
drop function current_merchant();
-- The extensions stay: an operator may have made them.
