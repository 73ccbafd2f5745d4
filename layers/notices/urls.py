"""Address of the page; the API's part is mounted with the API."""

from django.urls import path

from layers.notices import views

urlpatterns = [path("", views.notices_page, name="notices")]
