"""What is done to every response: compression of API answers, and one shape of their errors."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.gzip import GZipMiddleware


class CompressResponse(GZipMiddleware):
    """Gzip for API answers (topology, GeoJSON), which hold no secret; pages, with a CSRF token beside user input, go as they are (BREACH)."""

    def process_response(self, request, response):
        if request.path.startswith("/api/"):
            return super().process_response(request, response)
        return response


def refuse_methods_as_json(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """A method that an address of the API does not have: django-ninja itself answers in plain text."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code == 405 and request.path.startswith("/api/"):
            from mapserver.api import method_not_allowed

            return method_not_allowed(request, response["Allow"])
        return response

    return respond


def refuse_what_is_no_text(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """A parameter with the character 0 in it, which no text of the database can have."""

    def respond(request: HttpRequest) -> HttpResponse:
        if "%00" in request.META["QUERY_STRING"] and request.path.startswith(("/api/", "/tiles/")):
            from mapserver.api import not_text

            return not_text(request)
        return get_response(request)

    return respond


def client_address(request: HttpRequest) -> str:
    """The address that login throttling counts by: behind our own proxy, the one that the proxy saw."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")[-1].strip()
    return forwarded if settings.BEHIND_PROXY and forwarded else request.META.get("REMOTE_ADDR", "")
