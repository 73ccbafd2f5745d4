-- Plans go draft → submitted → approved → published → retired, back to draft only before publication, and what was in
-- force stays as it was: "who was responsible on 1 March" always has an answer.

-- The changes allowed to a plan in force: to be retired, once. And no plan leaves its id, and with it its log of edits and decisions,
-- which go when there is no such plan.
CREATE FUNCTION plan_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.status IN ('published', 'retired') THEN
        IF TG_OP = 'DELETE' OR OLD.status = 'retired' OR NEW.status <> 'retired'
            OR to_jsonb(NEW) - '{status,valid_to}'::text[] <> to_jsonb(OLD) - '{status,valid_to}'::text[]
        THEN
            RAISE EXCEPTION 'plan % (%) is %: it cannot be changed or deleted', OLD.id, OLD.name, OLD.status
                USING ERRCODE = 'object_not_in_prerequisite_state', TABLE = 'plan', CONSTRAINT = 'plan_in_force_is_immutable',
                      HINT = 'A published plan can only be retired; copy it to a draft to change it.';
        END IF;
    ELSIF TG_OP = 'UPDATE' AND NEW.id <> OLD.id THEN
        RAISE EXCEPTION 'the id of plan % (%) cannot be changed', OLD.id, OLD.name
            USING ERRCODE = 'object_not_in_prerequisite_state', TABLE = 'plan', CONSTRAINT = 'plan_keeps_its_id',
                  HINT = 'Copy the plan to a new draft.';
    ELSIF TG_OP = 'UPDATE' AND NEW.status <> OLD.status
        AND (OLD.status, NEW.status) NOT IN (
            ('draft', 'submitted'), ('submitted', 'approved'), ('submitted', 'draft'), ('approved', 'published'), ('approved', 'draft'))
    THEN
        RAISE EXCEPTION 'plan % (%) cannot go from % to %', OLD.id, OLD.name, OLD.status, NEW.status
            USING ERRCODE = 'object_not_in_prerequisite_state', TABLE = 'plan', CONSTRAINT = 'plan_goes_step_by_step',
                  HINT = 'draft, submitted, approved, published, retired.';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE TRIGGER plan_changed BEFORE UPDATE OR DELETE ON plan FOR EACH ROW EXECUTE FUNCTION plan_changed();
CREATE TRIGGER plan_truncated BEFORE TRUNCATE ON plan FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();

-- A plan is born a draft, so that each later step is one that somebody took.
CREATE FUNCTION plan_born() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'plan % (%) cannot be created as %: a plan begins as a draft', NEW.id, NEW.name, NEW.status
        USING ERRCODE = 'object_not_in_prerequisite_state', TABLE = 'plan', CONSTRAINT = 'plan_is_born_a_draft',
              HINT = 'Insert it with status draft, load its grids, then go step by step: submitted, approved, published.';
END $$;

CREATE TRIGGER plan_born BEFORE INSERT ON plan FOR EACH ROW
    WHEN (NEW.status <> 'draft') EXECUTE FUNCTION plan_born();

-- A plan does not come into force without its service area.
CREATE FUNCTION plan_published() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- Locked, so that under REPEATABLE READ a root deleted meanwhile is not taken to be there.
    PERFORM FROM grid WHERE plan_id = NEW.id AND level = 0 AND code = NEW.area_code FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'plan % (%) cannot be published: it has no service area with code %', NEW.id, NEW.name, NEW.area_code
            USING ERRCODE = 'object_not_in_prerequisite_state', TABLE = 'plan', CONSTRAINT = 'plan_in_force_has_its_service_area',
                  HINT = 'Load the grids into a draft first.';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER plan_published BEFORE UPDATE ON plan FOR EACH ROW
    WHEN (NEW.status = 'published' AND OLD.status <> 'published') EXECUTE FUNCTION plan_published();

-- Every level of a plan has a name: checked at commit, once per parent whose children were touched.
CREATE FUNCTION grid_level_check() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    parent record;
BEGIN
    SELECT grid.code, grid.name, grid.level + 1 AS level, plan.id AS plan_id, cardinality(plan.level_names) AS names INTO parent
    FROM grid_cover JOIN grid ON grid.id = grid_cover.grid_id JOIN plan ON plan.id = grid.plan_id
    WHERE grid_cover.grid_id = NEW.grid_id AND grid_cover.children_sum <> 0
        AND grid.level + 1 >= cardinality(plan.level_names);
    IF FOUND THEN
        RAISE EXCEPTION 'the grids below % (%) are of level %, but plan % names only % levels (0 to %)',
            parent.code, parent.name, parent.level, parent.plan_id, parent.names, parent.names - 1
            USING ERRCODE = 'check_violation', TABLE = 'grid', CONSTRAINT = 'grid_level_has_a_name',
                  HINT = 'Name every level in plan.level_names, from the service area down.';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER grid_level_has_a_name AFTER INSERT OR UPDATE ON grid_cover
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION grid_level_check();

-- Changing the coverage rule of a draft, or naming fewer levels, checks the whole draft against it.
CREATE FUNCTION plan_policy_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO grid_cover SELECT id, 0 FROM grid WHERE plan_id = NEW.id ORDER BY id
    ON CONFLICT (grid_id) DO UPDATE SET children_sum = grid_cover.children_sum;
    RETURN NULL;
END $$;

CREATE TRIGGER plan_policy_changed AFTER UPDATE ON plan FOR EACH ROW
    WHEN (NEW.policy <> OLD.policy OR NEW.overlap_limit <> OLD.overlap_limit
        OR cardinality(NEW.level_names) < cardinality(OLD.level_names))
    EXECUTE FUNCTION plan_policy_changed();

-- One plan in force per institution and service area at a time.
ALTER TABLE plan ADD CONSTRAINT plan_one_in_force_a_service_area
    EXCLUDE USING gist (institution_id WITH =, area_code WITH =, daterange(valid_from, valid_to) WITH &&)
    WHERE (status IN ('published', 'retired'));
