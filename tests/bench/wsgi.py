"""mapserver.wsgi with the empty view of tests.bench.site, and the settings that a benchmark changes."""

import json
import os

from django.conf import settings

from mapserver.wsgi import application

settings.ROOT_URLCONF = "tests.bench.site"
for name, value in json.loads(os.environ.get("BENCH_SETTINGS", "{}")).items():
    setattr(settings, name, value)

__all__ = ["application"]
