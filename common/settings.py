"""Settings of all services; the first line of a service's own settings.py imports them."""

from pathlib import Path

from common import env
from common.limits import CLIENT_TIMEOUT, DB_CONNECTIONS, WEB_CONCURRENCY  # noqa: F401

BASE_DIR = Path(__file__).resolve().parent.parent

# Security. Secrets have no defaults.

SECRET_KEY = env.secret("SECRET_KEY")
DEBUG = env.boolean("DEBUG", False)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
CSRF_FAILURE_VIEW = "common.api.errors.csrf_failure"

# Set it to false only if no gateway in front of the service terminates TLS.
SECURE_SSL_REDIRECT = env.boolean("SECURE_SSL_REDIRECT", True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE_SSL_REDIRECT else None
SESSION_COOKIE_SECURE = SECURE_SSL_REDIRECT
CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
SILENCED_SYSTEM_CHECKS = [
    # common.api.security_headers sends X-Frame-Options with every answer.
    "security.W002",
    # HSTS applies to a whole domain, so the gateway that terminates TLS should send it.
    "security.W004",
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
    # Outside all middleware that may answer, including those before Django's SecurityMiddleware.
    "common.api.security_headers.SecurityHeadersMiddleware",
    # Outside all code that queries the database, including the readiness probe.
    "common.database.middleware.DatabaseMiddleware",
    # Before the redirect to https and the Host check, since a kubelet uses plain HTTP and an IP.
    "common.observability.health.ProbeMiddleware",
    # After the probes, which are not worth counting, and before everything that may take time.
    "common.observability.metrics.MetricsMiddleware",
    # wsgi.py has read the body; this answers the errors that it found.
    "common.api.middleware.BodyErrorMiddleware",
    # The redirect to https.
    "django.middleware.security.SecurityMiddleware",
    # Static files do not need the middleware below.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # The admin: authentication needs sessions, and messages need both.
    "common.admin.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "common.admin.middleware.AuthenticationMiddleware",
    "common.admin.middleware.MessageMiddleware",
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

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
DATABASES = {
    "default": {
        "ENGINE": "common.database",
        "HOST": env.text("DB_HOST", "localhost"),
        "PORT": env.integer("DB_PORT", 5432, 1, 65535),
        "NAME": env.text("DB_NAME", "random"),
        "USER": env.text("DB_USER"),
        "PASSWORD": env.secret("DB_PASSWORD"),
        "OPTIONS": {
            "sslmode": env.text("DB_SSLMODE", "prefer", allowed=SSL_MODES),
            "sslrootcert": env.text("DB_SSLROOTCERT", ""),
            "gssencmode": "disable",  # Roles use passwords, but libpq would try Kerberos first.
        },
    }
}
if DB_READ_HOST := env.text("DB_READ_HOST", ""):
    # common/database/replica.py reads lists from it.
    DATABASES["replica"] = {**DATABASES["default"], "HOST": DB_READ_HOST}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The admin's accounts

PASSWORD_HASHERS = ["common.serving.hashers.ThreadedPBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Requests and answers

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
        "common.api.renderers.BrowsableAPIRenderer",
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
