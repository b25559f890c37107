# The images of both services:
#   docker build --target user_service -t user_service .
#   docker build --target random_service -t random_service .

# Pin the base image for a release: --build-arg PYTHON_IMAGE=docker.io/library/python:3.13-slim-trixie@sha256:…
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS packages
# pip installs from a separate environment, so that the image's own has no pip.
RUN python3 -m venv /pip && python3 -m venv --without-pip /venv
COPY requirements.txt /
# Wheels only: the image needs no compiler.
RUN /pip/bin/pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check \
    --only-binary :all: --require-hashes --requirement /requirements.txt

FROM ${PYTHON_IMAGE} AS source
WORKDIR /app
COPY . .
# Whatever modes the checkout has, the account of the image can read the files.
RUN chmod -R u=rwX,go=rX .

FROM ${PYTHON_IMAGE} AS runtime
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
COPY --from=packages /venv /venv
COPY --from=source /app/common common
EXPOSE 8000

FROM runtime AS user_service
LABEL org.opencontainers.image.title="User service" \
      org.opencontainers.image.description="Registers people"
COPY --from=source /app/users_project users_project
# The settings require these; the placeholder values do not end up in the image.
RUN SECRET_KEY="not secret, and not in the image" DB_USER=users_service DB_PASSWORD=build python users_project/manage.py collectstatic --noinput
# Numeric, so that Kubernetes can verify runAsNonRoot.
USER 10001:10001
CMD ["python", "-m", "gunicorn", "--config", "common/serving/gunicorn.conf.py", "users_project.wsgi"]

FROM runtime AS random_service
LABEL org.opencontainers.image.title="Random number service" \
      org.opencontainers.image.description="Draws random numbers for registered people"
COPY --from=source /app/numbers_project numbers_project
RUN SECRET_KEY="not secret, and not in the image" DB_USER=numbers_service DB_PASSWORD=build python numbers_project/manage.py collectstatic --noinput
USER 10001:10001
CMD ["python", "-m", "gunicorn", "--config", "common/serving/gunicorn.conf.py", "numbers_project.wsgi"]
