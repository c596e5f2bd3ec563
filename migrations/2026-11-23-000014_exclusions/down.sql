drop index audit_log_actor_kind_idx;
drop index audit_log_subject_kind_idx;
drop index audit_log_at_idx;
alter table audit_log drop column came_from;
alter table triggers drop column look_alike;
drop table exclusion_terms;
drop table exclusions;
drop table exclusion_periods;
alter table merchants drop column coupon_exclusions;
