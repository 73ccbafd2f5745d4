DROP FUNCTION is_on_lattice(geometry);
DROP FUNCTION to_lattice(geometry);
