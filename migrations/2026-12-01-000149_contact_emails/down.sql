alter table merchants drop column contact_email;
