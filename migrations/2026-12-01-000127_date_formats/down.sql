alter table merchants drop column date_format;
