-- What has ended stays so: no schema was changed.
select 1;
