-- Tables and columns take the field's terms (the glossary); nothing else changes. Names of constraints,
-- indexes and sequences follow their tables.
alter table letters rename to emails;
alter table comparisons rename to code_syncs;
alter table comparison_findings rename to code_sync_results;
alter table catch_ups rename to backfills;
alter table form_answers rename to form_responses;
alter table daily_figures rename to daily_rollups;
alter table affiliate_daily_figures rename to affiliate_daily_rollups;
alter table trigger_figures rename to trigger_rollups;
alter table emails rename column parked_at to failed_at;
alter table emails rename column link_sealed to link_encrypted;
alter table code_syncs rename column asked_by to requested_by;
alter table code_syncs rename column asked_at to requested_at;
alter table code_syncs rename column begun_at to started_at;
alter table code_syncs rename column again_by to rerun_requested_by;
alter table code_syncs rename column both_count to in_sync_count;
alter table code_syncs rename column vouch_only_count to missing_count;
alter table code_syncs rename column off_count to inactive_count;
alter table code_sync_results rename column comparison_id to code_sync_id;
alter table code_sync_results rename column verdict to status;
alter table backfills rename column asked_by to requested_by;
alter table backfills rename column asked_at to requested_at;
alter table daily_rollups rename column lane to shard;
alter table users rename column places to memberships;
alter table registration_settings rename column code_wish to code_requirement;
alter table registration_settings rename column further_codes to allows_code_requests;
alter table registration_settings rename column approves_itself to approves_automatically;
alter table recalculations rename column parked_at to failed_at;
alter table affiliates rename column payment_address to payout_details;
alter table orders rename column decision to attribution;

do $$
declare
    renamed record;
    named record;
begin
    for renamed in select * from (values
        ('letters', 'emails'),
        ('comparisons', 'code_syncs'),
        ('comparison_findings', 'code_sync_results'),
        ('catch_ups', 'backfills'),
        ('form_answers', 'form_responses'),
        ('daily_figures', 'daily_rollups'),
        ('affiliate_daily_figures', 'affiliate_daily_rollups'),
        ('trigger_figures', 'trigger_rollups')
    ) as names (was, becomes) loop
        for named in select conname from pg_constraint
                where conrelid = renamed.becomes::regclass and starts_with(conname, renamed.was) loop
            execute format('alter table %I rename constraint %I to %I', renamed.becomes, named.conname,
                replace(named.conname, renamed.was, renamed.becomes));
        end loop;
        for named in select c.relname from pg_class c join pg_index i on i.indexrelid = c.oid
                where i.indrelid = renamed.becomes::regclass and starts_with(c.relname, renamed.was) loop
            execute format('alter index %I rename to %I', named.relname,
                replace(named.relname, renamed.was, renamed.becomes));
        end loop;
        for named in select s.relname from pg_class s
                join pg_depend d on d.objid = s.oid and d.deptype = 'i' and d.classid = 'pg_class'::regclass
                where s.relkind = 'S' and d.refobjid = renamed.becomes::regclass and starts_with(s.relname, renamed.was) loop
            execute format('alter sequence %I rename to %I', named.relname,
                replace(named.relname, renamed.was, renamed.becomes));
        end loop;
    end loop;
end
$$;
alter table registration_settings rename constraint registration_settings_code_wish_known to registration_settings_code_requirement_known;
alter table affiliates rename constraint affiliates_payment_address_length to affiliates_payout_details_length;
alter table users rename constraint users_places_counted to users_memberships_counted;
alter table code_sync_results rename constraint code_sync_results_verdict_known to code_sync_results_status_known;
alter table code_sync_results rename constraint code_sync_results_comparison_fkey to code_sync_results_code_sync_fkey;
alter policy everybody_posts on emails rename to anyone_enqueues;
alter policy workers_deliver on emails rename to workers_send;

comment on table emails is 'The outbox: written by the transaction that an email tells of, sent by the workers. Belongs to the instance, not to a merchant: no merchant reads it.';
comment on column emails.message_id is 'The local part of its Message-ID: the same for every attempt, so that a mailbox can recognize a duplicate.';
comment on column emails.program is 'The program it is about, for the sender''s name and the last line; empty for emails of the instance.';
comment on column emails.link_path is 'A page whose URL is no secret.';
comment on column emails.link_encrypted is 'A path that authorizes its holder, encrypted with the instance''s key.';
comment on column emails.is_urgent is 'The recipient is waiting for it: sent before notifications.';
comment on column emails.lease is 'Counts the claims: a worker that lost its lease sees another number and writes nothing.';
comment on column emails.attempts is 'Attempts that the mail server answered; those where it could not be reached do not count.';
comment on column emails.announced_at is 'When it was written to the log, because no mail server is set up.';
comment on column emails.failed_at is 'When sending was stopped for good, with last_error as the reason.';
comment on table code_syncs is 'Checks of a store''s codes against the triggers. One runs at a time and the last finished one is shown; older ones are deleted with their results.';
comment on column code_syncs.requested_by is 'Who requested it, as the audit log names people; null for the daily one.';
comment on column code_syncs.started_at is 'When reading started, or started over; null before that. Triggers created later are not missed.';
comment on column code_syncs.advanced_at is 'When codes were last read. After a long pause reading starts over.';
comment on column code_syncs.cursor is 'Where reading continues, in the platform''s own terms; null at the start.';
comment on column code_syncs.creates_codes is 'As the store had it when reading started; reading starts over where it has changed since.';
comment on column code_syncs.in_sync_count is 'How many results have that status, once it is finished; the next ones likewise.';
comment on column code_syncs.rerun_requested_by is 'Who requested another check while this one ran: it starts when this one is done.';
comment on column code_syncs.is_shown is 'Whether pages show it: the last finished one of its store.';
comment on table backfills is 'Reads of a store''s orders of a requested period; the periodic read keeps its position with its job and in stores.orders_read_until.';
comment on column backfills.requested_by is 'Who requested it, as the audit log names people.';
comment on column backfills.cursor is 'Where reading continues, in the platform''s own terms; null at the start.';
comment on table daily_rollups is 'A merchant''s totals by day, written in the transaction that writes the ledger. Conversions that are denied or unqualified do not count.';
comment on column daily_rollups.shard is 'Spreads one day over several rows, so that concurrent writers do not wait for each other; readers add the shards up.';
comment on table affiliate_daily_rollups is 'An affiliate''s totals by day, written like daily_rollups.';
comment on table trigger_rollups is 'A trigger''s totals of all time, written like daily_rollups.';
comment on column users.memberships is 'In how many programs the user is a member or an affiliate.';
comment on column registration_settings.code_requirement is 'Whether applicants choose a coupon code: no, optional, required.';
comment on column registration_settings.allows_code_requests is 'Whether affiliates may request more codes.';
comment on column affiliates.payout_details is 'Where the affiliate wants to be paid, in their own words.';
comment on column orders.attribution is 'Who earns from the order and why, as last decided; null before the first report.';
