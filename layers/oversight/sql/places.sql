-- Outlets (staffed or self-service) and cash points of each bank in each of some grids (of one plan), whoever's they are. On
-- a border, the grid with the smallest code, as everywhere.
SELECT town.id, bank.id, count(*) FILTER (WHERE place.layer = 'outlet'), count(*) FILTER (WHERE place.layer = 'cash_point')
FROM (
    SELECT DISTINCT ON (spot.layer, spot.id) spot.layer, spot.institution_id, town.id AS town_id
    FROM (
        SELECT id, geom, institution_id, 'outlet' AS layer FROM outlet
        WHERE kind IN ('staffed', 'self_service') AND is_active
        UNION ALL
        SELECT id, geom, institution_id, 'cash_point' FROM machine WHERE kind = 'cash_point' AND is_active
    ) AS spot
    JOIN grid AS town ON town.id = ANY (%(towns)s) AND town.geom && spot.geom AND ST_Intersects(town.geom, spot.geom)
    ORDER BY spot.layer, spot.id, town.code
) AS place
JOIN grid AS town ON town.id = place.town_id
JOIN institution AS holder ON holder.id = place.institution_id
JOIN institution AS bank ON bank.path = bank_of(holder.path)
GROUP BY town.id, bank.id
