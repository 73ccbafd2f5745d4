DELETE FROM feature_table WHERE name = 'building';
DROP INDEX building_home;
DROP TRIGGER feature_finds_its_grid ON building;
DROP TRIGGER feature_keeps_its_grid ON building;
DROP FUNCTION building_finds_its_grid();
