alter policy anyone_enqueues on emails rename to everybody_posts;
alter policy workers_send on emails rename to workers_deliver;
alter table registration_settings rename constraint registration_settings_code_requirement_known to registration_settings_code_wish_known;
alter table affiliates rename constraint affiliates_payout_details_length to affiliates_payment_address_length;
alter table users rename constraint users_memberships_counted to users_places_counted;
alter table code_sync_results rename constraint code_sync_results_status_known to code_sync_results_verdict_known;
alter table code_sync_results rename constraint code_sync_results_code_sync_fkey to code_sync_results_comparison_fkey;

do $$
declare
    renamed record;
    named record;
begin
    for renamed in select * from (values
        ('emails', 'letters'),
        ('code_syncs', 'comparisons'),
        ('code_sync_results', 'comparison_findings'),
        ('backfills', 'catch_ups'),
        ('form_responses', 'form_answers'),
        ('daily_rollups', 'daily_figures'),
        ('affiliate_daily_rollups', 'affiliate_daily_figures'),
        ('trigger_rollups', 'trigger_figures')
    ) as names (was, becomes) loop
        for named in select conname from pg_constraint
                where conrelid = renamed.was::regclass and starts_with(conname, renamed.was) loop
            execute format('alter table %I rename constraint %I to %I', renamed.was, named.conname,
                replace(named.conname, renamed.was, renamed.becomes));
        end loop;
        for named in select c.relname from pg_class c join pg_index i on i.indexrelid = c.oid
                where i.indrelid = renamed.was::regclass and starts_with(c.relname, renamed.was) loop
            execute format('alter index %I rename to %I', named.relname,
                replace(named.relname, renamed.was, renamed.becomes));
        end loop;
        for named in select s.relname from pg_class s
                join pg_depend d on d.objid = s.oid and d.deptype = 'i' and d.classid = 'pg_class'::regclass
                where s.relkind = 'S' and d.refobjid = renamed.was::regclass and starts_with(s.relname, renamed.was) loop
            execute format('alter sequence %I rename to %I', named.relname,
                replace(named.relname, renamed.was, renamed.becomes));
        end loop;
    end loop;
end
$$;
alter table orders rename column attribution to decision;
alter table affiliates rename column payout_details to payment_address;
alter table recalculations rename column failed_at to parked_at;
alter table registration_settings rename column approves_automatically to approves_itself;
alter table registration_settings rename column allows_code_requests to further_codes;
alter table registration_settings rename column code_requirement to code_wish;
alter table users rename column memberships to places;
alter table daily_rollups rename column shard to lane;
alter table backfills rename column requested_at to asked_at;
alter table backfills rename column requested_by to asked_by;
alter table code_sync_results rename column status to verdict;
alter table code_sync_results rename column code_sync_id to comparison_id;
alter table code_syncs rename column inactive_count to off_count;
alter table code_syncs rename column missing_count to vouch_only_count;
alter table code_syncs rename column in_sync_count to both_count;
alter table code_syncs rename column rerun_requested_by to again_by;
alter table code_syncs rename column started_at to begun_at;
alter table code_syncs rename column requested_at to asked_at;
alter table code_syncs rename column requested_by to asked_by;
alter table emails rename column link_encrypted to link_sealed;
alter table emails rename column failed_at to parked_at;
alter table trigger_rollups rename to trigger_figures;
alter table affiliate_daily_rollups rename to affiliate_daily_figures;
alter table daily_rollups rename to daily_figures;
alter table form_responses rename to form_answers;
alter table backfills rename to catch_ups;
alter table code_sync_results rename to comparison_findings;
alter table code_syncs rename to comparisons;
alter table emails rename to letters;
