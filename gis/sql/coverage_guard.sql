-- The coverage guard: the children of a grid, if it has any, cover it exactly, at every commit, for every client.
--
-- grid_cover keeps, per grid, the running sum of its children's border sums. Statement triggers on grid add to it what a
-- statement changed; a deferred constraint trigger on it compares, at commit, with the grid's own border sum. The check is
-- O(1) however many children there are, and an edit whose own changes cancel does not even touch the parent.
--
-- A grid whose own border moves is touched too (with 0). So "subdivide this leaf" and "move this leaf's border", or two
-- subdivisions of one leaf, meet on one row of grid_cover whatever the isolation level, and the later one is checked
-- against, or fails to serialise with, the earlier.
--
-- pg_temp stands last in every search_path: left out it would come first, and a client's temporary table named grid_cover
-- would take what was meant for the real one.

ALTER TABLE grid
    -- level counts from the root, so a parent has a lower level: no cycles, and no parent in another plan.
    ADD COLUMN parent_level smallint GENERATED ALWAYS AS (level - 1) STORED,
    ADD CONSTRAINT grid_id_plan_level UNIQUE (id, plan_id, level),
    ADD CONSTRAINT grid_parent_is_one_level_up_in_the_same_plan
        FOREIGN KEY (parent_id, plan_id, parent_level) REFERENCES grid (id, plan_id, level) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT grid_geom_is_in_degrees CHECK (geom @ ST_MakeEnvelope(-180, -90, 180, 90, 4490)),
    ADD CONSTRAINT grid_geom_is_on_lattice CHECK (is_on_lattice(geom)),
    ADD CONSTRAINT grid_geom_is_valid CHECK (ST_IsValid(geom) AND NOT ST_IsEmpty(geom));

CREATE TABLE grid_cover (
    grid_id bigint PRIMARY KEY REFERENCES grid ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    children_sum numeric NOT NULL
);
COMMENT ON TABLE grid_cover IS 'Running sum of the border sums of each grid''s children; kept by triggers, checked at commit';

-- What is stored is on the lattice, as a numeric(10,7) column would round what it is given.
CREATE FUNCTION grid_geom_to_lattice() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- NaN fails these comparisons too.
    IF ST_XMin(NEW.geom) >= -180 AND ST_XMax(NEW.geom) <= 180 AND ST_YMin(NEW.geom) >= -90 AND ST_YMax(NEW.geom) <= 90 THEN
        NEW.geom := to_lattice(NEW.geom);
    ELSE
        RAISE EXCEPTION 'grid %: coordinates are not longitude and latitude in degrees', NEW.code
            USING ERRCODE = 'check_violation', TABLE = 'grid', CONSTRAINT = 'grid_geom_is_in_degrees',
                  HINT = 'Give longitude first, then latitude, in EPSG:4490; neither NaN nor infinite.';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER grid_geom_to_lattice BEFORE INSERT OR UPDATE OF geom ON grid
    FOR EACH ROW WHEN (NOT is_on_lattice(NEW.geom)) EXECUTE FUNCTION grid_geom_to_lattice();

-- Published and retired plans are immutable. FOR SHARE makes a publication wait for edits under way, and edits for it.
CREATE FUNCTION refuse_change_of_plan_in_force(plan_ids bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    frozen plan%ROWTYPE;
BEGIN
    FOR frozen IN SELECT * FROM plan WHERE id = ANY (plan_ids) ORDER BY id FOR SHARE LOOP
        IF frozen.status IN ('published', 'retired') THEN
            RAISE EXCEPTION 'plan % (%) is %: its grids cannot be changed', frozen.id, frozen.name, frozen.status
                USING ERRCODE = 'object_not_in_prerequisite_state', TABLE = 'grid', CONSTRAINT = 'plan_in_force_is_immutable',
                      HINT = 'Copy the plan to a draft, change the draft, and publish it.';
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION grid_inserted() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM refuse_change_of_plan_in_force(ARRAY(SELECT DISTINCT plan_id FROM new_grid));
    INSERT INTO grid_cover
        SELECT parent_id, sum(border_sum) FROM new_grid WHERE parent_id IS NOT NULL GROUP BY parent_id ORDER BY parent_id
    ON CONFLICT (grid_id) DO UPDATE SET children_sum = grid_cover.children_sum + EXCLUDED.children_sum;
    -- Children may have been there first: a parent deleted and put back under the same id has lost its running sum.
    INSERT INTO grid_cover
        SELECT child.parent_id, sum(child.border_sum)
        FROM new_grid JOIN grid AS child ON child.parent_id = new_grid.id
        GROUP BY child.parent_id ORDER BY child.parent_id
    ON CONFLICT (grid_id) DO UPDATE SET children_sum = EXCLUDED.children_sum;
    RETURN NULL;
END $$;

CREATE FUNCTION grid_updated() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM refuse_change_of_plan_in_force(
        ARRAY(SELECT plan_id FROM old_grid UNION SELECT plan_id FROM new_grid));
    IF EXISTS (SELECT FROM new_grid WHERE id NOT IN (SELECT id FROM old_grid)) THEN
        RAISE EXCEPTION 'the id of a grid cannot be changed'
            USING ERRCODE = 'object_not_in_prerequisite_state', TABLE = 'grid', CONSTRAINT = 'grid_keeps_its_id',
                  HINT = 'Insert a new grid and delete the old one.';
    END IF;
    INSERT INTO grid_cover
        SELECT grid_id, sum(change)
        FROM (
            SELECT parent_id AS grid_id, sum(border_sum) AS change
            FROM (
                SELECT parent_id, plan_id, border_sum FROM new_grid
                UNION ALL
                SELECT parent_id, plan_id, -border_sum FROM old_grid
            ) AS side
            WHERE parent_id IS NOT NULL
            GROUP BY parent_id, plan_id
            -- Where overlap is allowed, equal sums before and after do not mean an equal overlap.
            HAVING sum(border_sum) <> 0 OR overlap_is_allowed_in(plan_id)
            UNION ALL
            SELECT id, 0
            FROM new_grid JOIN old_grid USING (id)
            WHERE new_grid.border_sum <> old_grid.border_sum OR new_grid.kind <> old_grid.kind
        ) AS touched
        GROUP BY grid_id
        ORDER BY grid_id
    ON CONFLICT (grid_id) DO UPDATE SET children_sum = grid_cover.children_sum + EXCLUDED.children_sum;
    RETURN NULL;
END $$;

CREATE FUNCTION grid_deleted() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM refuse_change_of_plan_in_force(ARRAY(SELECT DISTINCT plan_id FROM old_grid));
    INSERT INTO grid_cover
        SELECT gone.parent_id, -sum(gone.border_sum)
        FROM old_grid AS gone JOIN grid AS parent ON parent.id = gone.parent_id
        GROUP BY gone.parent_id ORDER BY gone.parent_id
    ON CONFLICT (grid_id) DO UPDATE SET children_sum = grid_cover.children_sum + EXCLUDED.children_sum;
    RETURN NULL;
END $$;

CREATE FUNCTION refuse_truncate() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % cannot be truncated: it holds plans that were published', TG_TABLE_NAME
        USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'DELETE the drafts that are no longer wanted.';
END $$;

CREATE TRIGGER grid_inserted AFTER INSERT ON grid REFERENCING NEW TABLE AS new_grid
    FOR EACH STATEMENT EXECUTE FUNCTION grid_inserted();
CREATE TRIGGER grid_updated AFTER UPDATE ON grid REFERENCING OLD TABLE AS old_grid NEW TABLE AS new_grid
    FOR EACH STATEMENT EXECUTE FUNCTION grid_updated();
CREATE TRIGGER grid_deleted AFTER DELETE ON grid REFERENCING OLD TABLE AS old_grid
    FOR EACH STATEMENT EXECUTE FUNCTION grid_deleted();
CREATE TRIGGER grid_truncated BEFORE TRUNCATE ON grid FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();

-- Only the triggers above write grid_cover: a direct write comes at trigger depth 1.
CREATE FUNCTION refuse_direct_write() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'table % is kept by triggers and cannot be written directly', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege', HINT = 'Change table grid; this one follows.';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER grid_cover_is_kept_by_triggers BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON grid_cover
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_direct_write();

-- Policies. `partition`: the sums must be equal. `bounded_overlap`: below an urban grid the children still leave no gap and
-- stay inside, but may overlap by a share of their own area; that the sums cannot decide, so it is measured.
CREATE FUNCTION overlap_is_allowed_in(the_plan_id bigint) RETURNS boolean
LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM plan WHERE id = the_plan_id AND policy = 'bounded_overlap');

CREATE FUNCTION grid_cover_fault(the_grid_id bigint, the_children_sum numeric) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
-- What is wrong with the cover of a grid, or null: 'gap or overlap' | 'gap' | 'outside' | 'overlap above the limit'.
DECLARE
    parent grid%ROWTYPE;
    allowed plan%ROWTYPE;
    joined geometry;
BEGIN
    SELECT * INTO parent FROM grid WHERE id = the_grid_id;
    IF NOT FOUND OR the_children_sum IN (0, parent.border_sum) THEN
        RETURN NULL;
    END IF;
    SELECT * INTO allowed FROM plan WHERE id = parent.plan_id;
    IF allowed.policy <> 'bounded_overlap' OR parent.kind <> 'urban' THEN
        RETURN 'gap or overlap';
    END IF;
    SELECT ST_UnaryUnion(ST_Collect(geom), 1e-7) INTO joined FROM grid WHERE parent_id = parent.id;
    IF NOT ST_IsEmpty(ST_Difference(parent.geom, joined, 1e-7)) THEN
        RETURN 'gap';
    END IF;
    IF NOT ST_IsEmpty(ST_Difference(joined, parent.geom, 1e-7)) THEN
        RETURN 'outside';
    END IF;
    IF EXISTS (
        SELECT FROM grid AS one
        CROSS JOIN LATERAL (
            SELECT ST_Union(ST_Intersection(one.geom, other.geom)) AS geom
            FROM grid AS other
            WHERE other.parent_id = parent.id AND other.id <> one.id AND ST_Intersects(one.geom, other.geom)
        ) AS shared
        WHERE one.parent_id = parent.id AND ST_Area(shared.geom) > allowed.overlap_limit * ST_Area(one.geom)
    ) THEN
        RETURN 'overlap above the limit';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION grid_cover_check() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    running numeric;
    fault text;
    parent grid%ROWTYPE;
BEGIN
    -- The row as it is now, not as it was when this check was queued.
    SELECT children_sum INTO running FROM grid_cover WHERE grid_id = NEW.grid_id;
    fault := grid_cover_fault(NEW.grid_id, running);
    IF fault IS NOT NULL THEN
        SELECT * INTO parent FROM grid WHERE id = NEW.grid_id;
        RAISE EXCEPTION 'the grids below % (%) do not cover it exactly: %', parent.code, parent.name, fault
            USING ERRCODE = 'check_violation', TABLE = 'grid', CONSTRAINT = 'grid_children_cover_their_parent',
                  DETAIL = format('plan %s, grid %s', parent.plan_id, parent.id),
                  HINT = 'Change all grids that share the border in one transaction.';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER grid_children_cover_their_parent AFTER INSERT OR UPDATE ON grid_cover
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION grid_cover_check();
