drop table catch_ups;
