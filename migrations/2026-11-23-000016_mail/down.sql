drop table password_resets;
drop table letters;
