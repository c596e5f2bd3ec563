alter table users drop column places;
