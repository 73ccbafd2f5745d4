"""WSGI entry point. WSGI rather than ASGI: GEOS handles are per thread and leak per request under ASGI."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mapserver.settings")
application = get_wsgi_application()

from mapserver import connections  # noqa: E402

connections.start()
