"""`make bench`: every figure beside a peer's, measured in the same run, as a table of ratios."""

from __future__ import annotations

import os
import platform
import sys

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mapserver.settings")
    django.setup()

    from django.db import connection

    from tests.bench import coverage, dense, editing, layers, locating, partition
    from tests.bench.table import HEADER

    wanted = set(sys.argv[1:]) or {"coverage", "locating", "editing", "partition", "layers", "dense"}
    original = connection.settings_dict["NAME"]
    name = connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    raw = connection.Database.connect(**connection.get_connection_params())
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT version(), postgis_lib_version(), postgis_geos_version()")
            postgres, postgis, geos = cursor.fetchone()
        print(
            f"{os.cpu_count()} cores, Python {platform.python_version()}, {postgres.split(' on ')[0]}, PostGIS {postgis}, GEOS {geos}"
        )
        print(HEADER, flush=True)
        suites = {
            "coverage": lambda: coverage.run(raw),
            "locating": lambda: locating.run(raw, name),
            "editing": lambda: editing.run(raw),
            "partition": partition.run,
            "layers": lambda: layers.run(raw, name),
            "dense": lambda: dense.run(name),
        }
        for suite, run in suites.items():
            if suite in wanted:
                for line in run():
                    print(line, flush=True)
    finally:
        raw.close()
        with connection.cursor() as cursor:  # of a server that is stopped, one may still be at work
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        connection.creation.destroy_test_db(original, verbosity=0)
