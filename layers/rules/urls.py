"""Address of the page of rules; the API's part is mounted with the API."""

from django.urls import path

from layers.rules.views import rules_page

urlpatterns = [path("", rules_page, name="rules")]
