"""How numbers are written in Chinese: in groups of three, as on the map and in files."""

NUMBER_GROUPING = 3
THOUSAND_SEPARATOR = ","
