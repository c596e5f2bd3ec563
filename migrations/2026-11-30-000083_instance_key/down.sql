drop table server_processes;
drop table instance_key;
