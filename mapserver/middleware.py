"""Response compression for what is public by nature: never for pages that carry a CSRF token beside user input (BREACH)."""

from django.middleware.gzip import GZipMiddleware


class CompressResponse(GZipMiddleware):
    """Gzip for API answers (topology, GeoJSON), which hold no secret; pages go uncompressed."""

    def process_response(self, request, response):
        if request.path.startswith("/api/"):
            return super().process_response(request, response)
        return response
