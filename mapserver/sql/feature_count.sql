CASE WHEN count(*) = %(limit)s::bigint OR (count(*) = 0 AND %(offset)s::bigint > 0)
        -- The page does not tell.
        THEN (SELECT count(*) FROM ({every}) AS every) ELSE count(*) + %(offset)s::bigint END