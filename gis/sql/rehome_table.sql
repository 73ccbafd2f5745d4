-- Give the features of a table their grids after the plan of a service area has changed; how many moved. Whoever moves is found
-- once, with all that decides; the two ways to move are two updates, so that neither is planned for the number of the other.
CREATE OR REPLACE FUNCTION rehome_table(the_table text, the_area service_area, old_plan_id bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    owner institution := (SELECT institution FROM institution WHERE id = the_area.institution_id);
    bank bigint[] := ARRAY(SELECT id FROM institution WHERE bank_of(path) = bank_of(owner.path));
    -- Areas of institutions above: what they hold, they keep.
    above bigint[] := ARRAY(
        SELECT area.id FROM service_area AS area JOIN institution AS higher ON higher.id = area.institution_id
        WHERE bank_of(higher.path) = bank_of(owner.path) AND (higher.path, area.id) < (owner.path, the_area.id));
    gone text[] := ARRAY(SELECT code FROM leaves_changed(old_plan_id, the_area.plan_id));
    moved bigint;
BEGIN
    EXECUTE format($sql$
        WITH came AS MATERIALIZED (SELECT code, geom FROM leaves_changed($1.plan_id, $2)),
        -- Each place in a changed leaf; where it touches several, the smallest code.
        found AS MATERIALIZED (
            SELECT feature.id, feature.area_id, feature.grid_code, min(came.code COLLATE "C") AS code
            FROM came
            JOIN %1$I AS feature ON feature.geom && came.geom AND ST_Intersects(came.geom, place_of(feature.geom))
            WHERE feature.institution_id = ANY ($4) AND (feature.area_id IS NULL OR feature.area_id <> ALL ($5))
            GROUP BY feature.id
        ),
        -- On the border of an unchanged leaf with a smaller code, it stays there.
        entered AS (
            UPDATE %1$I AS feature SET area_id = $1.id, grid_code = found.code
            FROM found
            WHERE found.id = feature.id AND (found.area_id, found.grid_code) IS DISTINCT FROM ($1.id, found.code)
                AND (found.area_id = $1.id AND found.grid_code < found.code AND NOT found.grid_code = ANY ($3)) IS NOT TRUE
            RETURNING feature.id
        ),
        left_behind AS (
            UPDATE %1$I AS feature SET (area_id, grid_code) = (
                SELECT home.area_id, home.grid_code FROM home_of(feature.geom, feature.institution_id) AS home)
            WHERE feature.area_id = $1.id AND feature.grid_code = ANY ($3)
                AND NOT EXISTS (SELECT FROM found WHERE found.id = feature.id)
            RETURNING feature.id
        )
        SELECT (SELECT count(*) FROM entered) + (SELECT count(*) FROM left_behind)
    $sql$, the_table) INTO moved USING the_area, old_plan_id, gone, bank, above;
    RETURN moved;
END $$;
