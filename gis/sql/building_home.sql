-- Buildings know their grid as features do (feature_home.sql); they have no kind, and keep their outline as it was surveyed.
CREATE FUNCTION building_finds_its_grid() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    home record;
BEGIN
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

CREATE TRIGGER feature_finds_its_grid BEFORE INSERT OR UPDATE OF geom, institution_id ON building
    FOR EACH ROW EXECUTE FUNCTION building_finds_its_grid();
-- Written by anybody but the re-homing, which is itself a trigger, the home is found anew.
CREATE TRIGGER feature_keeps_its_grid BEFORE UPDATE OF area_id, grid_code ON building
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION building_finds_its_grid();
CREATE INDEX building_home ON building (area_id, grid_code);
INSERT INTO feature_table VALUES ('building', 'buildings');
UPDATE building SET geom = geom;
-- The rows that found their homes wait for their foreign keys, and would bar what comes next.
SET CONSTRAINTS ALL IMMEDIATE;
