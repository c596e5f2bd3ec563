-- A request ends with the orders that were there when it began: later ones knew the new facts.
alter table recalculations add column up_to_order_id bigint;
comment on column recalculations.up_to_order_id is 'The last order there was when it began; later ones were decided by the new facts. Null before that, and for named orders.';
