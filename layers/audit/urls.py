"""Addresses of the audit log."""

from django.urls import path

from layers.audit import views

urlpatterns = [
    path("", views.audit_page, name="audit"),
    path("audit.csv", views.audit_csv, name="audit-csv"),
]
