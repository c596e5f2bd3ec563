drop table delivery_failures;
