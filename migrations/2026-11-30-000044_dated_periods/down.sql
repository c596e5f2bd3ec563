comment on column triggers.retired_at is 'Orders placed from then on no longer match.';
alter table trigger_owners drop constraint trigger_owners_no_overlap, drop constraint trigger_owners_whole_seconds;
alter table return_rules drop constraint return_rules_no_overlap, drop constraint return_rules_whole_seconds;
alter table offer_terms drop constraint offer_terms_no_overlap, drop constraint offer_terms_whole_seconds;
alter table exclusion_terms drop constraint exclusion_terms_no_overlap, drop constraint exclusion_terms_whole_seconds;
alter table exclusion_periods drop constraint exclusion_periods_no_overlap, drop constraint exclusion_periods_whole_seconds;
alter table calculation_rules drop constraint calculation_rules_no_overlap, drop constraint calculation_rules_whole_seconds;
alter table affiliate_terms drop constraint affiliate_terms_no_overlap, drop constraint affiliate_terms_whole_seconds;
