"""Settings. Everything that differs between machines comes from the environment; the defaults are the secure ones.

Environment
-----------
DATABASE_URL     postgresql://user@%2Fsocket%2Ffolder/name (a socket), or postgresql://user:password@host/name
SECRET_KEY       required when DEBUG is off
DEBUG            1 for development
ALLOWED_HOSTS    comma-separated
BEHIND_PROXY     1 where our own reverse proxy ends https: trust its X-Forwarded-Proto and X-Forwarded-For
JINGTIAN_HTTP    1 where the site is served over plain http on this machine only (the demo): no redirect to https
SECURITY_PROFILE dengbao (等保, the default) or asvs (OWASP ASVS); SECURITY_IDLE_MINUTES=… and so on replace single numbers
CHECK_IN_HOURS   how long somebody who checked in and never left counts as on duty: 12
SECOND_FACTOR_ROLES  roles that must use a second factor, comma-separated: administrator,auditor
TIANDITU_KEY     key of 天地图; without it that base map is not offered
"""

import os
from datetime import timedelta
from pathlib import Path

import dj_database_url
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from mapserver import security

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"


def _flag(name: str) -> bool:
    return os.environ.get(name, "") in {"1", "true", "yes"}


DEBUG = _flag("DEBUG")
BEHIND_PROXY = _flag("BEHIND_PROXY")
PLAIN_HTTP = DEBUG or _flag("JINGTIAN_HTTP")
SECRET_KEY = os.environ.get("SECRET_KEY") or ("development only, never on a server" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is not set. Set it in the environment (make demo does), or DEBUG=1.")
ALLOWED_HOSTS = [host for host in os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1").split(",") if host]
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("TRUSTED_ORIGINS", "").split(",") if origin]

INSTALLED_APPS = [
    "layers.orgs",
    "layers.audit",
    "layers.accounts",
    "layers.notices",
    "layers.grids",
    "layers.features",
    "layers.facilities",
    "layers.documents",
    "layers.staff",
    "layers.ledger",
    "layers.streets",
    "layers.rules",
    "layers.findings",
    "layers.reports",
    "layers.siting",
    "layers.oversight",
    "layers.people",
    "layers.presence",
    "layers.editing",
    "layers.partition",
    "layers.review",
    "layers.imports",
    "layers.exchange",
    "layers.demo",
    "mapserver",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.gis",
    "django.contrib.postgres",
    "django.forms",
    "treebeard",
    "leaflet",
    "ninja",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "axes",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "mapserver.middleware.CompressResponse",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "layers.audit.acting.Acting",
    "layers.accounts.sessions.SessionRules",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "axes.middleware.AxesMiddleware",
    "mapserver.middleware.refuse_methods_as_json",
    "mapserver.middleware.refuse_what_is_no_text",
]

ROOT_URLCONF = "mapserver.urls"
WSGI_APPLICATION = "mapserver.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ]
        },
    }
]
# Forms look for their templates where pages do: ours of an option stands before Django's.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES = {
    "default": dj_database_url.config(
        default="postgresql:///jingtian",
        engine="django.contrib.gis.db.backends.postgis",
        conn_max_age=600,
        conn_health_checks=True,
    ),
}
# PostGIS functions are costed high, so PostgreSQL would compile (JIT) statements that run for a millisecond.
# The audit log tells by the name whether a write came from the site.
DATABASES["default"].setdefault("OPTIONS", {}).update(options="-c jit=off", application_name="jingtian")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": LOCAL / "cache"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "orgs.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
SECURITY = security.chosen(os.environ.get("SECURITY_PROFILE", "dengbao"))
"""Passwords, lock-out and sessions: a named profile, its numbers replaced one by one by the environment."""
SECOND_FACTOR_ROLES = [role for role in os.environ.get("SECOND_FACTOR_ROLES", "").split(",") if role]
"""Roles that must sign in with a second factor; for the others it is a choice."""
OTP_TOTP_ISSUER = "井田 Jingtian"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "layers.accounts.validators.LongEnough"},
    {"NAME": "layers.accounts.validators.ClassesMixed"},
    {"NAME": "layers.accounts.validators.NotUsedBefore"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "map"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = SECURITY["failures"]
AXES_COOLOFF_TIME = timedelta(minutes=SECURITY["lock_minutes"])
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "mapserver.middleware.client_address"

DATABASE_SITE_ROLE = os.environ.get("DATABASE_SITE_ROLE", "jingtian_site")
"""The role that a server's site connects as, where the cluster has it; `migrate`, run by the owner, grants it its rights."""
AUDIT_EXEMPT = {
    "audit": "the log itself",
    "edit": "a log that only grows, with author and time",
    "decision": "a log that only grows, with author and time",
    "django_session": "signing in and out are entries of their own",
    "axes_accessattempt": "failed logins are entries of their own",
    "axes_accessattemptexpiration": "failed logins are entries of their own",
    "axes_accesslog": "logins are entries of their own",
    "axes_accessfailurelog": "failed logins are entries of their own",
    "django_content_type": "made by migrations",
    "auth_permission": "made by migrations",
}
"""Tables whose writes are not in the audit log, each with the reason."""
AUDIT_IGNORED_COLUMNS = {
    "account": ["last_login"],
    "building": ["area_id", "grid_code"],
    "customer": ["area_id", "grid_code"],
    "grid": ["border_sum", "parent_level"],
    "import_job": ["process", "result"],
    "machine": ["area_id", "grid_code"],
    "outlet": ["area_id", "grid_code"],
    "place": ["area_id", "grid_code"],
    "staff": ["area_id", "grid_code"],
    "post": ["area_id", "grid_code"],
    "point_import": ["process", "result"],
}
"""Columns that follow from others, or only say how far something has come: a change of these alone is no entry."""
CHECK_IN_KEPT = timedelta(hours=float(os.environ.get("CHECK_IN_HOURS", "12")))
"""How long after the last check-in somebody who did not say that she left counts as on duty; then where she was is deleted."""
AUDIT_KEEP_DAYS = int(os.environ.get("AUDIT_KEEP_DAYS", "184"))
"""How long the audit log is kept: 184 days (six months) at least; `manage.py purge_audit` removes what is older."""
UNMASK_ROWS_AT_ONCE = int(os.environ.get("UNMASK_ROWS_AT_ONCE", "2000"))
UNMASK_ROWS_A_DAY = int(os.environ.get("UNMASK_ROWS_A_DAY", "5000"))
"""How many people's details one user may take in full in one export, and see or take within 24 hours."""

LANGUAGE_CODE = "zh-hans"
FORMAT_MODULE_PATH = ["mapserver.formats"]
LANGUAGES = [("zh-hans", _("中文")), ("en", "English")]
LOCALE_PATHS = [ROOT / "mapserver" / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = LOCAL / "static"
STATICFILES_DIRS = [
    ("npm/topojson-client", ROOT / "node_modules" / "topojson-client" / "dist"),
    ("npm/vector-tile", ROOT / "node_modules" / "@mapbox" / "vector-tile"),
    ("npm/point-geometry", ROOT / "node_modules" / "@mapbox" / "point-geometry"),
    ("npm/pbf", ROOT / "node_modules" / "pbf"),
    ("npm/markercluster", ROOT / "node_modules" / "leaflet.markercluster" / "dist"),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "mapserver.static_storage.Storage"
    },
}
MEDIA_ROOT = LOCAL / "media"

SESSION_COOKIE_AGE = SECURITY["absolute_hours"] * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = not PLAIN_HTTP
SECURE_HSTS_SECONDS = 0 if PLAIN_HTTP else 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not PLAIN_HTTP
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
X_FRAME_OPTIONS = "DENY"
# Django's own GDAL bindings never open a file here: uploads are parsed by pyogrio in a limited child process (gis.reading).
SILENCED_SYSTEM_CHECKS = ["gis.W001"]

TIANDITU_KEY = os.environ.get("TIANDITU_KEY", "")
BASE_MAPS = [
    {"id": "none", "name": _("无底图"), "url": "", "datum": "cgcs2000", "attribution": ""},
    *(
        [
            {
                "id": "tianditu",
                "name": _("天地图"),
                "url": "https://t{s}.tianditu.gov.cn/vec_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=vec"
                "&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILECOL={x}&TILEROW={y}&TILEMATRIX={z}&tk=" + TIANDITU_KEY,
                "subdomains": "01234567",
                "datum": "cgcs2000",
                "attribution": "© 天地图",
            }
        ]
        if TIANDITU_KEY
        else []
    ),
    {
        "id": "osm",
        "name": "OpenStreetMap",
        "url": "https://tile.openstreetmap.org/{z}/{x}/{y}.png",
        "datum": "wgs84",
        "attribution": "© OpenStreetMap contributors",
    },
    {
        "id": "amap",
        "name": _("高德地图"),
        "url": "https://webrd0{s}.is.autonavi.com/appmaptile?lang=zh_cn&size=1&scale=1&style=8&x={x}&y={y}&z={z}",
        "subdomains": "1234",
        "datum": "gcj02",
        "attribution": "© 高德",
    },
]
"""Base maps, each with the datum its tiles are drawn in; the first is the default and needs no network."""

TILE_FEATURES_FROM = 14
"""The zoom level from which vector tiles hold features one by one; before, they are counted in squares."""
TILE_FEATURES = 200
"""A tile with more features is counted in squares: their signs would cover each other."""
TILE_FEATURES_MOST = 5000
"""As many at the deepest level, where nothing else would open them."""
DENSE_LAYER = 5000
"""A layer of more features than this comes to the map page in tiles, not as markers."""

LEAFLET_CONFIG = {"RESET_VIEW": False, "SCALE": None, "MINIMAP": False, "ATTRIBUTION_PREFIX": "", "TILES": []}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [
            SELF,
            "data:",
            "blob:",
            "https://*.tianditu.gov.cn",
            "https://tile.openstreetmap.org",
            "https://*.is.autonavi.com",
        ],
        "worker-src": [SELF, "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

FILE_UPLOAD_HANDLERS = [
    "layers.imports.uploads.LimitedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
