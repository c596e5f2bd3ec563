drop policy person_reads on merchants;
drop table audit_log;
drop table members;
drop table merchants;
drop table sessions;
drop table users;
