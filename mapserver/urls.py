"""Addresses of the site."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.views.i18n import JavaScriptCatalog

from layers.review.urls import shared
from layers.staff.urls import sheets
from mapserver import views
from mapserver.api import api
from mapserver.tiles import tile

urlpatterns = [
    path("", views.map_page, name="map"),
    path("import/", include("layers.imports.urls")),
    path("siting/", include("layers.siting.urls")),
    path("oversight/", include("layers.oversight.urls")),
    path("rules/", include("layers.rules.urls")),
    path("findings/", include("layers.findings.urls")),
    path("plans/", include("layers.review.urls")),
    path("shared/", include(shared)),
    path("people/", include("layers.staff.urls")),
    path("public/", include(sheets)),
    path("api/", api.urls),
    path("tiles/<slug:layer>/<int:z>/<int:x>/<int:y>.mvt", tile, name="tile"),
    path("healthz", views.healthz, name="healthz"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("jsi18n/", JavaScriptCatalog.as_view(), name="javascript-catalog"),
]
