-- Every feature (outlet, machine, customer …) knows its grid: the code of its leaf in the plan in force of its bank. The code,
-- not the row: an unchanged grid keeps its code from plan to plan, so a new plan touches only what lies in changed grids.

-- treebeard's materialized path: four characters a step; the first step is the head office, so the bank.
CREATE FUNCTION bank_of(path text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN left(path, 4);

-- Where a feature is, for the question which grid it is in: a line at its middle, an outline at a point inside.
CREATE FUNCTION place_of(geom geometry) RETURNS geometry LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE GeometryType(geom)
    WHEN 'POINT' THEN geom
    WHEN 'LINESTRING' THEN ST_LineInterpolatePoint(geom, 0.5)
    ELSE ST_PointOnSurface(geom) END;

-- The tie-break is that of locating: on a border or corner, the leaf with the smallest code. Where several service areas of
-- a bank hold the place, the one of the highest institution.
CREATE FUNCTION home_of(geom geometry, holder_id bigint, OUT area_id bigint, OUT grid_code varchar)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    SELECT area.id, leaf.code INTO area_id, grid_code
    FROM place_of(geom) AS place
    JOIN grid AS leaf ON leaf.geom && place
    JOIN service_area AS area ON area.plan_id = leaf.plan_id
    JOIN institution AS owner ON owner.id = area.institution_id
    JOIN institution AS holder ON holder.id = holder_id AND bank_of(holder.path) = bank_of(owner.path)
    WHERE NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = leaf.id) AND ST_Intersects(leaf.geom, place)
    ORDER BY owner.path, area.id, leaf.code
    LIMIT 1;
END $$;

CREATE FUNCTION feature_finds_its_grid() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    home record;
BEGIN
    IF NEW.geom IS NULL THEN
        NEW.area_id := NULL;
        NEW.grid_code := NULL;
        RETURN NEW;
    END IF;
    -- NaN and infinity fail these comparisons too.
    IF ST_IsEmpty(NEW.geom) OR NOT (ST_XMin(NEW.geom) >= -180 AND ST_XMax(NEW.geom) <= 180 AND ST_YMin(NEW.geom) >= -90 AND ST_YMax(NEW.geom) <= 90) THEN
        RAISE EXCEPTION '%: the place of % is not longitude and latitude in degrees', TG_TABLE_NAME, NEW.name
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'feature_is_in_degrees',
                  HINT = 'Give longitude first, then latitude, in EPSG:4490; neither empty, NaN nor infinite.';
    END IF;
    NEW.geom := to_lattice(NEW.geom);
    -- Shared, so that a publication under way and this row wait for each other, and neither misses the other.
    PERFORM FROM service_area AS area
        JOIN institution AS owner ON owner.id = area.institution_id
        JOIN institution AS holder ON holder.id = NEW.institution_id AND bank_of(holder.path) = bank_of(owner.path)
        FOR SHARE OF area;
    home := home_of(NEW.geom, NEW.institution_id);
    NEW.area_id := home.area_id;
    NEW.grid_code := home.grid_code;
    RETURN NEW;
END $$;

-- A kind is a word of the layer's vocabulary, every bank's or the bank's own.
CREATE FUNCTION feature_kind_is_known() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM feature_kind AS kind LEFT JOIN institution AS owner ON owner.id = kind.institution_id
        WHERE kind.layer = TG_ARGV[0] AND kind.key = NEW.kind AND (kind.institution_id IS NULL OR bank_of(owner.path) = (
            SELECT bank_of(path) FROM institution WHERE id = NEW.institution_id)))
    THEN
        RAISE EXCEPTION '%: there is no kind %', TG_TABLE_NAME, NEW.kind
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'feature_kind_is_known',
                  HINT = 'Choose a kind of the vocabulary (table feature_kind), or add one there.';
    END IF;
    RETURN NEW;
END $$;

CREATE TABLE feature_table (name text PRIMARY KEY, layer text NOT NULL UNIQUE);
COMMENT ON TABLE feature_table IS 'Tables of features whose grids the database keeps; see keep_homes()';

-- Make a table one of features: it has columns institution_id, name, kind, geom, area_id, grid_code.
CREATE FUNCTION keep_homes(the_table text, the_layer text) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO feature_table VALUES (the_table, the_layer);
    EXECUTE format(
        'CREATE TRIGGER feature_finds_its_grid BEFORE INSERT OR UPDATE OF geom, institution_id ON %I'
        ' FOR EACH ROW EXECUTE FUNCTION feature_finds_its_grid()', the_table);
    -- Written by anybody but the re-homing below, which is itself a trigger, the home is found anew.
    EXECUTE format(
        'CREATE TRIGGER feature_keeps_its_grid BEFORE UPDATE OF area_id, grid_code ON %I'
        ' FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION feature_finds_its_grid()', the_table);
    EXECUTE format(
        'CREATE TRIGGER feature_kind_is_known BEFORE INSERT OR UPDATE OF kind, institution_id ON %I'
        ' FOR EACH ROW EXECUTE FUNCTION feature_kind_is_known(%L)', the_table, the_layer);
    EXECUTE format('CREATE INDEX %I ON %I (area_id, grid_code)', the_table || '_home', the_table);
    EXECUTE format('UPDATE %I SET geom = geom', the_table);
END $$;

CREATE FUNCTION stop_keeping_homes(the_table text) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    EXECUTE format('DROP TRIGGER feature_finds_its_grid ON %1$I; DROP TRIGGER feature_keeps_its_grid ON %1$I;'
        ' DROP TRIGGER feature_kind_is_known ON %1$I; DROP INDEX %2$I', the_table, the_table || '_home');
    DELETE FROM feature_table WHERE name = the_table;
END $$;

-- Leaves of one plan that another has not, or with another border; all of them where the other is null.
CREATE FUNCTION leaves_changed(the_plan_id bigint, other_plan_id bigint) RETURNS TABLE (code varchar, geom geometry)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT leaf.code, leaf.geom FROM grid AS leaf
    WHERE leaf.plan_id = the_plan_id
        AND NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = leaf.id)
        AND NOT EXISTS (
            SELECT FROM grid AS same
            WHERE same.plan_id = other_plan_id AND same.code = leaf.code AND same.border_sum = leaf.border_sum
                AND NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = same.id));
END;

CREATE FUNCTION service_area_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    kept text;
BEGIN
    FOR kept IN SELECT name FROM feature_table ORDER BY name LOOP
        PERFORM rehome_table(kept, NEW, CASE TG_OP WHEN 'UPDATE' THEN OLD.plan_id END);
    END LOOP;
    RETURN NULL;
END $$;

-- The plan in force today (in China) of an institution's service area.
CREATE FUNCTION plan_in_force(the_institution_id bigint, the_area_code text) RETURNS bigint
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT id FROM plan
    WHERE institution_id = the_institution_id AND area_code = the_area_code AND status IN ('published', 'retired')
        AND daterange(valid_from, valid_to) @> (now() AT TIME ZONE 'Asia/Shanghai')::date;
END;

-- The plan of a service area is the one in force, whoever writes the row.
CREATE FUNCTION service_area_has_the_plan_in_force() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    NEW.plan_id := plan_in_force(NEW.institution_id, NEW.area_code);
    RETURN NEW;
END $$;

CREATE TRIGGER service_area_has_the_plan_in_force BEFORE INSERT OR UPDATE ON service_area
    FOR EACH ROW EXECUTE FUNCTION service_area_has_the_plan_in_force();
CREATE TRIGGER service_area_begins AFTER INSERT ON service_area
    FOR EACH ROW EXECUTE FUNCTION service_area_changed();
CREATE TRIGGER service_area_changed AFTER UPDATE ON service_area
    FOR EACH ROW WHEN (NEW.plan_id IS DISTINCT FROM OLD.plan_id) EXECUTE FUNCTION service_area_changed();

-- Bring service areas to the plans in force today; for a plan that came into force, or ended, by the calendar. Returns how many changed.
CREATE FUNCTION refresh_service_areas() RETURNS bigint
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    begun bigint;
    changed bigint;
BEGIN
    INSERT INTO service_area (institution_id, area_code)
        SELECT DISTINCT institution_id, area_code FROM plan
        WHERE status IN ('published', 'retired') AND plan_in_force(institution_id, area_code) IS NOT NULL
            AND NOT EXISTS (
                SELECT FROM service_area AS area
                WHERE area.institution_id = plan.institution_id AND area.area_code = plan.area_code)
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS begun = ROW_COUNT;
    UPDATE service_area SET area_code = area_code
        WHERE plan_id IS DISTINCT FROM plan_in_force(institution_id, area_code);
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN begun + changed;
END $$;

CREATE FUNCTION plan_moves_homes() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM refresh_service_areas();
    RETURN NULL;
END $$;

-- At commit: between the old plan's end and the new one's beginning there is no plan, and nothing is to be moved for that.
CREATE CONSTRAINT TRIGGER plan_moves_homes AFTER UPDATE OF status, valid_from, valid_to ON plan
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION plan_moves_homes();

-- Features whose grid is not where they are: what a load with triggers switched off leaves behind.
CREATE FUNCTION audit_homes() RETURNS TABLE (table_name text, feature_id bigint, code text, expected text)
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    FOR table_name IN SELECT name FROM feature_table ORDER BY name LOOP
        RETURN QUERY EXECUTE format($sql$
            SELECT %1$L::text, feature.id, feature.grid_code::text, home.grid_code::text
            FROM %1$I AS feature CROSS JOIN LATERAL home_of(feature.geom, feature.institution_id) AS home
            WHERE feature.geom IS NOT NULL
                AND (feature.area_id, feature.grid_code) IS DISTINCT FROM (home.area_id, home.grid_code)
        $sql$, table_name);
    END LOOP;
END $$;
