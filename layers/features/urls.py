"""Addresses of the pages of the vocabulary."""

from django.urls import path

from layers.features import views

urlpatterns = [
    path("", views.kinds_page, name="kinds"),
    path("new/", views.kind_page, name="new-kind"),
    path("<int:kind_id>/", views.kind_page, name="kind"),
]
