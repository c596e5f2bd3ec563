drop table recovery_codes;
alter table users
    drop column two_factor_at,
    drop column two_factor_step,
    drop column two_factor_secret;
alter table merchants drop column requires_two_factor;
drop table invitations;
