alter table deliveries add column notes jsonb not null default '[]';
comment on column deliveries.notes is 'Fields that were passed over because they don''t enter the base of commission and couldn''t be read: codes and where in the body.';
