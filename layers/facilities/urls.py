"""Addresses of public lists."""

from django.urls import path

from layers.facilities.views import exchange_points

urlpatterns = [path("<str:code>/", exchange_points, name="exchange-points")]
