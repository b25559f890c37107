"""Settings of all services; the first line of a service's own settings.py imports them."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from common import env
from common.limits import CLIENT_TIMEOUT, DB_CONNECTIONS, WEB_CONCURRENCY  # noqa: F401

BASE_DIR = Path(__file__).resolve().parent.parent

# Security. Secrets have no defaults.

SECRET_KEY = env.secret_key("SECRET_KEY")
# Former keys, for a rotation: what they have signed stays valid until they are removed here.
SECRET_KEY_FALLBACKS = env.secret_keys("SECRET_KEY_FALLBACKS")
DEBUG = env.boolean("DEBUG", False)
if DEBUG and "KUBERNETES_SERVICE_HOST" in os.environ:
    raise ImproperlyConfigured(
        "DEBUG=true shows code and settings to everyone, so it is refused in Kubernetes."
    )
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")
CSRF_FAILURE_VIEW = "common.api.errors.csrf_failure"

# Set it to false only if no gateway in front of the service terminates TLS.
SECURE_SSL_REDIRECT = env.boolean("SECURE_SSL_REDIRECT", True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE_SSL_REDIRECT else None
# Networks of the proxies whose X-Forwarded-For is believed, for the log and for failed sign-ins.
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
# Whether gateways may reach the admin, the probes and the metrics.
EXPOSE_INTERNAL_PATHS = env.boolean("EXPOSE_INTERNAL_PATHS", False)

# The admin's cookies. The API has none.

SESSION_COOKIE_AGE = 8 * 60 * 60  # seconds
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
CSRF_COOKIE_HTTPONLY = True
# Browsers let no other host, and no page without TLS, set a cookie with this prefix.
COOKIE_PREFIX = "__Host-" if SECURE_SSL_REDIRECT else ""
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

SILENCED_SYSTEM_CHECKS = [
    # common.api sends the headers of Django's two middlewares, and redirects to https. HSTS applies
    # to a whole domain, so the gateway that terminates TLS should send it.
    "security.W001",
    "security.W002",
    # The admin's views are decorated with csrf_protect; the API knows no cookies.
    "security.W003",
    # AdminMiddleware contains these three.
    "admin.E408",
    "admin.E409",
    "admin.E410",
]

# Applications and middleware

COMMON_APPS = [
    "common",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    # First, so that every answer and every log line has the id.
    "common.observability.request_ids.RequestIDMiddleware",
    # Outside all code that queries the database, including the readiness probe.
    "common.database.middleware.DatabaseMiddleware",
    # Before the redirect to https and the Host check, since a kubelet uses plain HTTP and an IP.
    "common.observability.health.ProbeMiddleware",
    # After the probes, which are not worth counting, and before everything that may take time.
    "common.observability.metrics.MetricsMiddleware",
    # Bad bodies, requests without TLS, and those of other websites.
    "common.api.middleware.RefusalMiddleware",
    # Static files do not need the middleware below.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Sessions, authentication and messages, for the admin only. Before the redirect of /admin.
    "common.admin.middleware.AdminMiddleware",
    "django.middleware.common.CommonMiddleware",
    # Last, so that it handles exceptions of views before any other middleware.
    "common.api.middleware.DatabaseErrorMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database: a PostgreSQL database in which each service has its own role and schema.

# The service's name, as in users_project.settings, with which the names of its roles begin
SERVICE = os.environ.get("DJANGO_SETTINGS_MODULE", "").partition("_project")[0]
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
DATABASES = {
    "default": {
        "ENGINE": "common.database",
        "HOST": env.database_host("DB_HOST", "localhost"),
        "PORT": env.integer("DB_PORT", 5432, 1, 65535),
        "NAME": env.database_name("DB_NAME", "random"),
        "USER": env.text("DB_USER", allowed=(f"{SERVICE}_service", f"{SERVICE}_owner")),
        "PASSWORD": env.secret("DB_PASSWORD"),
        "OPTIONS": {
            "sslmode": env.text("DB_SSLMODE", "prefer", allowed=SSL_MODES),
            "sslrootcert": env.file("DB_SSLROOTCERT"),
            "gssencmode": "disable",  # Roles use passwords, but libpq would try Kerberos first.
        },
        # Behind a pooler in transaction mode, the next statement may reach another server process,
        # which does not know the cursor. Only the admin's small forms would use one.
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
}
if DB_READ_HOST := env.database_host("DB_READ_HOST", ""):
    # common/database/replica.py reads lists from it.
    DATABASES["replica"] = {**DATABASES["default"], "HOST": DB_READ_HOST}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The admin's accounts

AUTHENTICATION_BACKENDS = ["common.admin.sign_in.SignInBackend"]
PASSWORD_HASHERS = ["common.serving.hashers.ThreadedPBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 15},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Requests and answers

# Whether browsers get pages, which cost ten times what JSON does.
BROWSABLE_API = env.boolean("BROWSABLE_API", True)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "common.api.renderers.ContentNegotiation",
    "DEFAULT_PAGINATION_CLASS": "common.api.pagination.KeysetPagination",
    "DEFAULT_PARSER_CLASSES": [
        "common.api.parsers.JSONParser",
        "common.api.parsers.FormParser",
        "common.api.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": [
        "common.api.renderers.JSONRenderer",
        *(["common.api.renderers.BrowsableAPIRenderer"] if BROWSABLE_API else []),
    ],
    "DEFAULT_SCHEMA_CLASS": "common.api.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "common.api.errors.exception_handler",
}

# Bearer tokens for the API, where no gateway verifies them (common/api/tokens.py).

AUTH_JWKS_URL = env.text("AUTH_JWKS_URL", "")
AUTH_JWKS_FILE = env.text("AUTH_JWKS_FILE", "")
HAS_TOKENS = env.one_of("AUTH_JWKS_URL", "AUTH_JWKS_FILE")
AUTH_ISSUER = env.text("AUTH_ISSUER", None if HAS_TOKENS else "")
AUTH_AUDIENCE = env.text("AUTH_AUDIENCE", None if HAS_TOKENS else "")
AUTH_USER_CLAIM = env.text("AUTH_USER_CLAIM", "")
if HAS_TOKENS:
    REST_FRAMEWORK |= {
        "DEFAULT_AUTHENTICATION_CLASSES": ["common.api.tokens.TokenAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["common.api.tokens.HasScope"],
    }
elif AUTH_ISSUER or AUTH_AUDIENCE or AUTH_USER_CLAIM:
    raise ImproperlyConfigured(
        "AUTH_ISSUER, AUTH_AUDIENCE or AUTH_USER_CLAIM is set, but neither AUTH_JWKS_URL nor"
        " AUTH_JWKS_FILE, so that no token would be asked for. Set one of these, or none of all."
    )
SPECTACULAR_SETTINGS = {
    "VERSION": "1.0.0",
    "SCHEMA_PATH_PREFIX": "/",
    "COMPONENT_SPLIT_REQUEST": True,
    "PARSER_WHITELIST": ["common.api.parsers.JSONParser"],
    "PREPROCESSING_HOOKS": [
        "common.api.openapi.with_extensions",
        "common.api.openapi.without_trailing_slashes",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# Static files of the admin, the browsable API and Swagger UI

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / ".static"
STORAGES = {
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Pages link to the file names with a content hash. Keeping the others would double the space.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# Language and time

LANGUAGE_CODE = "en"
USE_I18N = False
TIME_ZONE = "UTC"

# Logs: one JSON object per line, on standard error.

LOG_LEVEL = env.text("LOG_LEVEL", "INFO", allowed=("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "exceptions": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: bool(record.exc_info),
        },
    },
    "formatters": {"json": {"()": "common.observability.logs.JSONFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": "NOTSET"},
        # The access log has a line for each request, so log only exceptions here.
        "django.request": {"filters": ["exceptions"], "level": "ERROR"},
        "django.security": {"level": "CRITICAL"},
        # It warns about each HEAD request, although it correctly omits the body.
        "gunicorn.http.wsgi": {"level": "ERROR"},
    },
}
