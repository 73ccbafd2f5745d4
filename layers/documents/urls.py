"""Addresses of the pages."""

from django.urls import path

from layers.documents import views

urlpatterns = [
    path("", views.documents_page, name="documents"),
    path("new/", views.document_page, name="new-document"),
    path("<int:document_id>/", views.document_page, name="document"),
]
