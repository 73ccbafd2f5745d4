"""Address of the page; the API's part is mounted with the API."""

from django.urls import path

from layers.siting.views import siting_page

urlpatterns = [path("", siting_page, name="siting")]
