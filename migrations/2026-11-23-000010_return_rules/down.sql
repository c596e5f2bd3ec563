drop table return_rules;
