-- Plans go draft → submitted → approved → published → retired, back to draft only before publication, and what was in
-- force stays as it was: "who was responsible on 1 March" always has an answer.

-- The changes allowed to a plan in force: to be retired, once.
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

-- A plan cannot be born in force, nor come into force without its service area.
CREATE FUNCTION plan_published() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    -- Locked, so that under REPEATABLE READ a root deleted meanwhile is not taken to be there.
    PERFORM FROM grid WHERE plan_id = NEW.id AND level = 0 AND code = NEW.area_code FOR SHARE;
    IF TG_OP = 'INSERT' OR NOT FOUND THEN
        RAISE EXCEPTION 'plan % (%) cannot be published: it has no service area with code %', NEW.id, NEW.name, NEW.area_code
            USING ERRCODE = 'object_not_in_prerequisite_state', TABLE = 'plan', CONSTRAINT = 'plan_in_force_has_its_service_area',
                  HINT = 'Load the grids into a draft first.';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER plan_born BEFORE INSERT ON plan FOR EACH ROW
    WHEN (NEW.status IN ('published', 'retired')) EXECUTE FUNCTION plan_published();
CREATE TRIGGER plan_published BEFORE UPDATE ON plan FOR EACH ROW
    WHEN (NEW.status = 'published' AND OLD.status <> 'published') EXECUTE FUNCTION plan_published();

-- Changing the coverage rule of a draft checks the whole draft against it.
CREATE FUNCTION plan_policy_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO grid_cover SELECT id, 0 FROM grid WHERE plan_id = NEW.id ORDER BY id
    ON CONFLICT (grid_id) DO UPDATE SET children_sum = grid_cover.children_sum;
    RETURN NULL;
END $$;

CREATE TRIGGER plan_policy_changed AFTER UPDATE ON plan FOR EACH ROW
    WHEN (NEW.policy <> OLD.policy OR NEW.overlap_limit <> OLD.overlap_limit) EXECUTE FUNCTION plan_policy_changed();

-- One plan in force per institution and service area at a time.
ALTER TABLE plan ADD CONSTRAINT plan_one_in_force_a_service_area
    EXCLUDE USING gist (institution_id WITH =, area_code WITH =, daterange(valid_from, valid_to) WITH &&)
    WHERE (status IN ('published', 'retired'));
