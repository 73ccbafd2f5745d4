DROP FUNCTION leaves_below(bigint[]);
