"""Address of the page of import and export; the API's part is mounted with the API."""

from django.urls import path

from layers.exchange.views import exchange_page

urlpatterns = [path("", exchange_page, name="exchange")]
