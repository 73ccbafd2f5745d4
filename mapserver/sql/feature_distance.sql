, 'distance_m', page.distance_m
