alter table deliveries drop column notes;
