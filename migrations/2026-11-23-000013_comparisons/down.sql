set local vouch.scope = 'installation';
delete from store_jobs where kind = 'compare';
set local vouch.scope = '';
drop table comparison_findings;
drop table comparisons;
alter table stores drop column counted_codes;
