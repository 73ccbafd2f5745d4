"""The site with one empty view added, as the peer of a real one: the same server, middleware and connection."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from mapserver.urls import urlpatterns as site


def empty(request: HttpRequest) -> HttpResponse:
    """Nothing."""
    return HttpResponse()


urlpatterns = [path("empty", empty), *site]
