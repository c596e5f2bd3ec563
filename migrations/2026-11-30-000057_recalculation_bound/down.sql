alter table recalculations drop column up_to_order_id;
