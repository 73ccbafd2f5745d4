-- The service area all of whose features have their homes in a plan: it is in force there, and no area of an institution above
-- overlaps; null otherwise. Then the features in a grid are found by its leaves' codes, without looking at a shape.
-- plpgsql, which keeps its plans: planning takes longer than the answer.
CREATE FUNCTION area_homing(the_plan_id bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
    own record;
    rivals bigint[];
BEGIN
    SELECT area.id, owner.path INTO own
    FROM service_area AS area JOIN institution AS owner ON owner.id = area.institution_id
    WHERE area.plan_id = the_plan_id
    ORDER BY area.id LIMIT 1;
    rivals := ARRAY(
        SELECT rival.plan_id FROM service_area AS rival JOIN institution AS above ON above.id = rival.institution_id
        WHERE bank_of(above.path) = bank_of(own.path) AND (above.path, rival.id) < (own.path, own.id));
    -- Whole counties are compared only where there is such an area.
    IF cardinality(rivals) > 0 AND EXISTS (
        SELECT FROM grid AS ours JOIN grid AS theirs ON theirs.geom && ours.geom AND ST_Relate(theirs.geom, ours.geom, 'T********')
        WHERE ours.plan_id = the_plan_id AND ours.parent_id IS NULL AND theirs.plan_id = ANY (rivals) AND theirs.parent_id IS NULL)
    THEN
        RETURN NULL;
    END IF;
    RETURN own.id;
END $$;
