"""Addresses of the account, and of the second step of signing in."""

from django.urls import path

from layers.accounts import views

urlpatterns = [
    path("", views.account_page, name="account"),
    path("password/", views.ChangePassword.as_view(), name="password-change"),
    path("second-factor/", views.enrol_page, name="second-factor-enrol"),
    path("second-factor/off/", views.turn_off, name="second-factor-off"),
    path("second-factor/codes/", views.new_codes, name="second-factor-codes"),
    path("tokens/", views.new_token, name="token-new"),
    path("tokens/<int:token_id>/revoke/", views.revoke_token, name="token-revoke"),
]
