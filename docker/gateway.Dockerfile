# The HTTP API. From the root of the repository:
#   docker build --file docker/gateway.Dockerfile --tag countermark/gateway:0.1.0 .
# It writes to /var/lib/countermark, a volume, and to /tmp, a tmpfs: run it with a read-only file system.
ARG BASE_IMAGE=python:3.11.13-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /build
ENV PIP_QUIET=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_DEPS=1
COPY requirements.lock docker/locked.py ./
# Where another index is used, its pip.conf is a secret of the build: `--secret id=pip,src=pip.conf`.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv --without-pip /opt/countermark \
    && python locked.py gateway < requirements.lock > gateway.lock \
    && python locked.py build < requirements.lock > build.lock \
    && python -m pip --python /opt/countermark/bin/python install --require-hashes --only-binary :all: -r gateway.lock \
    && python -m pip install --require-hashes --only-binary :all: -r build.lock
COPY . source
RUN python -m pip wheel --no-index --no-build-isolation --wheel-dir wheels ./source \
    && python -m pip --python /opt/countermark/bin/python install --no-index wheels/*.whl \
    && mkdir -m 1777 -p state/countermark

FROM ${BASE_IMAGE}
ARG REVISION=unknown
LABEL org.opencontainers.image.title="countermark-gateway" \
      org.opencontainers.image.description="The HTTP API of the market" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/countermark /opt/countermark
# Whichever account runs the process may write here, as in the images of PostgreSQL; the rest of the image never changes.
COPY --from=build --chown=10001:10001 /build/state/ /var/lib/
ENV PATH=/opt/countermark/bin:$PATH \
    HOME=/nonexistent \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    COUNTERMARK_GATEWAY_CONFIG=/run/secrets/gateway.json \
    GRPC_ENABLE_FORK_SUPPORT=false
USER 10001:10001
EXPOSE 8443
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-m", "countermark.gateway.healthcheck"]
ENTRYPOINT ["python", "-m", "countermark.gateway.server"]
