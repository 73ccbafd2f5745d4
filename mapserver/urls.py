"""Addresses of the site."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path
from django.views.i18n import JavaScriptCatalog

from layers.accounts.views import SignIn, second_factor_page
from layers.people.urls import sheets
from layers.review.urls import shared
from mapserver import views
from mapserver.api import api
from mapserver.tiles import no_such_tile, tile

urlpatterns = [
    path("api/", api.urls),  # first: addresses are tried in turn, and these are the many
    path("", views.map_page, name="map"),
    path("import/", include("layers.imports.urls")),
    path("documents/", include("layers.documents.urls")),
    path("siting/", include("layers.siting.urls")),
    path("oversight/", include("layers.oversight.urls")),
    path("kinds/", include("layers.features.urls")),
    path("exchange/", include("layers.exchange.urls")),
    path("registers/", views.registers_page, name="registers"),
    path("rules/", include("layers.rules.urls")),
    path("findings/", include("layers.findings.urls")),
    path("plans/", include("layers.review.urls")),
    path("notices/", include("layers.notices.urls")),
    path("audit/", include("layers.audit.urls")),
    path("shared/", include(shared)),
    path("people/", include("layers.people.urls")),
    path("public/exchange-points/", include("layers.facilities.urls")),
    path("public/", include(sheets)),
    path("tiles/<slug:layer>/<int:z>/<int:x>/<int:y>.mvt", tile, name="tile"),
    path("tiles/<path:rest>", no_such_tile),
    path("healthz", views.healthz, name="healthz"),
    path("account/", include("layers.accounts.urls")),
    path("login/", SignIn.as_view(), name="login"),
    path("login/code/", second_factor_page, name="second-factor"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("jsi18n/", JavaScriptCatalog.as_view(), name="javascript-catalog"),
]
