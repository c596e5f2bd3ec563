-- Facts with dates: every period begins and ends on a whole second, and no two periods of one fact
-- overlap. See docs/crediting.md.

create extension if not exists btree_gist;

select set_config('vouch.scope', 'installation', true);

-- Cuts every moment to the beginning of its second. Where that makes two periods begin together, the
-- later one stays, as it does for two changes in one second; a period never reaches beyond the
-- beginning of the next. So nothing can collide, and what was in force at the end of a second is what
-- is now in force in all of it.
create procedure pg_temp.cut_to_seconds(dated regclass, owned_by text)
    language plpgsql
    as $$
declare
    cut constant text := format(
        'with cut as (select ctid as place, date_trunc(''second'', valid_from) as starts, '
            'least(date_trunc(''second'', valid_until), '
                'lead(date_trunc(''second'', valid_from)) over (partition by %s order by valid_from)) as ends '
            'from %s) ', owned_by, dated);
begin
    execute cut || format('delete from %1$s using cut where %1$s.ctid = place and ends <= starts', dated);
    execute cut || format('update %1$s set valid_from = starts, valid_until = ends from cut '
        'where %1$s.ctid = place and (valid_from <> starts or valid_until is distinct from ends)', dated);
end
$$;
call pg_temp.cut_to_seconds('affiliate_terms', 'merchant_id, affiliate_id');
call pg_temp.cut_to_seconds('calculation_rules', 'merchant_id');
call pg_temp.cut_to_seconds('exclusion_periods', 'merchant_id');
call pg_temp.cut_to_seconds('exclusion_terms', 'merchant_id, exclusion_id');
call pg_temp.cut_to_seconds('offer_terms', 'merchant_id, offer_id');
call pg_temp.cut_to_seconds('return_rules', 'merchant_id, store_id');
call pg_temp.cut_to_seconds('trigger_owners', 'merchant_id, trigger_id');
update triggers set retired_at = date_trunc('second', retired_at)
    where retired_at <> date_trunc('second', retired_at);

select set_config('vouch.scope', '', true);

alter table affiliate_terms
    add constraint affiliate_terms_whole_seconds check (
        valid_from = date_trunc('second', valid_from) and valid_until = date_trunc('second', valid_until)),
    add constraint affiliate_terms_no_overlap exclude using gist
        (merchant_id with =, affiliate_id with =, tstzrange(valid_from, valid_until) with &&);
alter table calculation_rules
    add constraint calculation_rules_whole_seconds check (
        valid_from = date_trunc('second', valid_from) and valid_until = date_trunc('second', valid_until)),
    add constraint calculation_rules_no_overlap exclude using gist
        (merchant_id with =, tstzrange(valid_from, valid_until) with &&);
alter table exclusion_periods
    add constraint exclusion_periods_whole_seconds check (
        valid_from = date_trunc('second', valid_from) and valid_until = date_trunc('second', valid_until)),
    add constraint exclusion_periods_no_overlap exclude using gist
        (merchant_id with =, tstzrange(valid_from, valid_until) with &&);
alter table exclusion_terms
    add constraint exclusion_terms_whole_seconds check (
        valid_from = date_trunc('second', valid_from) and valid_until = date_trunc('second', valid_until)),
    add constraint exclusion_terms_no_overlap exclude using gist
        (merchant_id with =, exclusion_id with =, tstzrange(valid_from, valid_until) with &&);
alter table offer_terms
    add constraint offer_terms_whole_seconds check (
        valid_from = date_trunc('second', valid_from) and valid_until = date_trunc('second', valid_until)),
    add constraint offer_terms_no_overlap exclude using gist
        (merchant_id with =, offer_id with =, tstzrange(valid_from, valid_until) with &&);
alter table return_rules
    add constraint return_rules_whole_seconds check (
        valid_from = date_trunc('second', valid_from) and valid_until = date_trunc('second', valid_until)),
    add constraint return_rules_no_overlap exclude using gist
        (merchant_id with =, store_id with =, tstzrange(valid_from, valid_until) with &&);
alter table trigger_owners
    add constraint trigger_owners_whole_seconds check (
        valid_from = date_trunc('second', valid_from) and valid_until = date_trunc('second', valid_until)),
    add constraint trigger_owners_no_overlap exclude using gist
        (merchant_id with =, trigger_id with =, tstzrange(valid_from, valid_until) with &&);

comment on column triggers.retired_at is 'Orders placed from then on, a whole second, no longer match.';
