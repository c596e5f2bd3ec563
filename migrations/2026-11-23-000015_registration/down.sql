drop table portal_invitations;
drop table code_requests;
drop table applications;
drop table registration_settings;
