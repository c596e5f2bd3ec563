-- Row-level security: what a connection may see is decided by settings that
-- `db::Db` makes for one transaction (`SET LOCAL`), and by nothing else.
--
--   vouch.merchant_id  the merchant whose rows are visible and writable
--   vouch.user_id      the person who may see their own memberships
--   vouch.scope        'installation' (workers, command line) or 'support' (reads only)

create extension if not exists pg_trgm;
create extension if not exists btree_gin;

create function current_merchant() returns bigint
    language sql stable parallel safe
    as $$ select nullif(current_setting('vouch.merchant_id', true), '')::bigint $$;
comment on function current_merchant() is 'The merchant of this transaction; null outside one, so that nothing matches.';

create function current_person() returns bigint
    language sql stable parallel safe
    as $$ select nullif(current_setting('vouch.user_id', true), '')::bigint $$;
comment on function current_person() is 'The person of this transaction; null outside one.';

create function current_scope() returns text
    language sql stable parallel safe
    as $$ select coalesce(current_setting('vouch.scope', true), '') $$;
comment on function current_scope() is 'The named scope of this transaction: installation, support, or nothing.';

-- The sub-selects make the planner read each setting once per statement
-- instead of once per row.
create procedure protect_merchant_rows(protected regclass, append_only boolean default false)
    language plpgsql
    as $$
declare
    own constant text := '(merchant_id = (select current_merchant()) or (select current_scope()) = ''installation'')';
begin
    execute format('alter table %s enable row level security', protected);
    execute format('alter table %s force row level security', protected);
    execute format('create policy support_reads on %s for select using ((select current_scope()) = ''support'')', protected);
    if append_only then
        execute format('create policy merchant_reads on %s for select using %s', protected, own);
        execute format('create policy merchant_appends on %s for insert with check %s', protected, own);
    else
        execute format('create policy merchant_rows on %s using %s with check %s', protected, own, own);
    end if;
end
$$;
comment on procedure protect_merchant_rows(regclass, boolean) is
    'Puts a merchant-owned table under forced row-level security. Append-only tables get no policy for update and delete, which forbids both, to the owner of the table too.';
