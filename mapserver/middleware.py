"""Response compression for what is public by nature: never for pages that carry a CSRF token beside user input (BREACH)."""

from django.conf import settings
from django.http import HttpRequest
from django.middleware.gzip import GZipMiddleware


class CompressResponse(GZipMiddleware):
    """Gzip for API answers (topology, GeoJSON), which hold no secret; pages go uncompressed."""

    def process_response(self, request, response):
        if request.path.startswith("/api/"):
            return super().process_response(request, response)
        return response


def client_address(request: HttpRequest) -> str:
    """The address that login throttling counts by: behind our own proxy, the one that the proxy saw."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")[-1].strip()
    return forwarded if settings.BEHIND_PROXY and forwarded else request.META.get("REMOTE_ADDR", "")
