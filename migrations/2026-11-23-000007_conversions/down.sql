drop table trigger_figures;
drop table affiliate_daily_figures;
drop table daily_figures;
drop table commission_entries;
drop table conversions;
