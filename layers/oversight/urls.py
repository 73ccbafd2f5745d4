"""Address of the page; the API's part is mounted with the API."""

from django.urls import path

from layers.oversight.views import oversight_page

urlpatterns = [path("", oversight_page, name="oversight")]
