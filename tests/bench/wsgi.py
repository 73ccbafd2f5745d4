"""mapserver.wsgi with the empty view of tests.bench.site."""

from django.conf import settings

from mapserver.wsgi import application

settings.ROOT_URLCONF = "tests.bench.site"

__all__ = ["application"]
