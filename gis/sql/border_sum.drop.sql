DROP FUNCTION border_sum(geometry);
