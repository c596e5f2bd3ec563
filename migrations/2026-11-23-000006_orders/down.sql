drop table deliveries;
drop table order_codes;
drop table order_lines;
drop table orders;
drop table calculation_rules;
