DROP FUNCTION area_homing(bigint);
