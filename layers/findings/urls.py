"""Address of the page of lists; the API's part is mounted with the API."""

from django.urls import path

from layers.findings.views import findings_page

urlpatterns = [path("", findings_page, name="findings")]
