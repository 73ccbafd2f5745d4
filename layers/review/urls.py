"""Addresses of the pages; the API's part is mounted with the API."""

from django.urls import path

from layers.review import views

urlpatterns = [
    path("", views.plans_page, name="plans"),
    path("<int:plan_id>/review/", views.review_page, name="review"),
]
shared = [
    path("<str:token>/", views.shared_page, name="shared-plan"),
]
