alter table orders drop column clock_shift_seconds;
drop table store_clocks;
