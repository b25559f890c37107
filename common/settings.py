"""Settings of all services; the first line of a service's own settings.py imports them."""

from pathlib import Path

from common import env
from common.limits import CLIENT_TIMEOUT, DB_CONNECTIONS, WEB_CONCURRENCY  # noqa: F401

BASE_DIR = Path(__file__).resolve().parent.parent

# Security. Nothing secret has a default.

SECRET_KEY = env.secret("SECRET_KEY")
DEBUG = env.boolean("DEBUG", False)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
CSRF_FAILURE_VIEW = "common.api.errors.csrf_failure"

# Set it to false only where nothing in front of the service terminates TLS.
SECURE_SSL_REDIRECT = env.boolean("SECURE_SSL_REDIRECT", True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE_SSL_REDIRECT else None
SESSION_COOKIE_SECURE = SECURE_SSL_REDIRECT
CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
SILENCED_SYSTEM_CHECKS = [
    # X-Frame-Options is sent by common.api.security_headers, with every answer.
    "security.W002",
    # HSTS binds a whole domain, so the gateway that terminates TLS has to send it.
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
    # Around all that answer, also around those that come before Django's own SecurityMiddleware.
    "common.api.security_headers.SecurityHeadersMiddleware",
    # Around all that ask the database, readiness included.
    "common.database.middleware.DatabaseMiddleware",
    # Before the redirect to https and the check of the Host: a kubelet knows neither.
    "common.observability.health.ProbeMiddleware",
    # After the probes, which are not worth counting, and before all that may take time.
    "common.observability.metrics.MetricsMiddleware",
    # The body has been read by wsgi.py; what was wrong with it is answered here.
    "common.api.middleware.BodyErrorMiddleware",
    # The redirect to https.
    "django.middleware.security.SecurityMiddleware",
    # Static files need nothing of what follows.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # The admin: accounts need sessions, and messages need both.
    "common.admin.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "common.admin.middleware.AuthenticationMiddleware",
    "common.admin.middleware.MessageMiddleware",
    # Last, next to the views whose exceptions it answers.
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

# Database: one PostgreSQL, in which each service has a role and a schema of its own.

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
            "gssencmode": "disable",  # Roles have passwords; libpq would look for Kerberos first.
        },
    }
}
if DB_READ_HOST := env.text("DB_READ_HOST", ""):
    # Lists are read from this replica: common/database/replica.py
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
# Pages name files with the hash of their content. Copies without it would double the space.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# Language and time

LANGUAGE_CODE = "en"
USE_I18N = False
TIME_ZONE = "UTC"

# Logs: one JSON object a line, on standard error.

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
        # The access log has a line for each request; only exceptions are worth another.
        "django.request": {"filters": ["exceptions"], "level": "ERROR"},
        "django.security": {"level": "CRITICAL"},
        # It warns about each HEAD, although it leaves the body out as it should.
        "gunicorn.http.wsgi": {"level": "ERROR"},
    },
}
