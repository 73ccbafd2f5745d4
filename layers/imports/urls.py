"""Address of the import page; the API's part is mounted with the API."""

from django.urls import path

from layers.imports.views import import_page

urlpatterns = [path("", import_page, name="import")]
