-- Outlets and cash points of each bank in each of some grids (of one plan), whoever's they are.
SELECT town.id, bank.id, count(*) FILTER (WHERE place.layer = 'outlet'), count(*) FILTER (WHERE place.layer = 'cash_point')
FROM grid AS town
JOIN (
    SELECT geom, institution_id, 'outlet' AS layer FROM outlet WHERE is_active
    UNION ALL
    SELECT geom, institution_id, 'cash_point' FROM machine WHERE kind = 'cash_point' AND is_active
) AS place ON place.geom && town.geom AND ST_Intersects(place.geom, town.geom)
JOIN institution AS holder ON holder.id = place.institution_id
JOIN institution AS bank ON bank.path = bank_of(holder.path)
WHERE town.id = ANY (%(towns)s)
GROUP BY town.id, bank.id
