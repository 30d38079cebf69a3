# The contracts as a service, one process beside each peer. From the root of the repository:
#   docker build --file docker/chaincode.Dockerfile --tag countermark/chaincode:0.1.0 .
# It keeps nothing and writes nothing: run it with a read-only file system.
ARG BASE_IMAGE=python:3.11.13-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /build
ENV PIP_QUIET=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_DEPS=1
COPY requirements.lock docker/locked.py ./
# Where another index is used, its pip.conf is a secret of the build: `--secret id=pip,src=pip.conf`.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv --without-pip /opt/countermark \
    && python locked.py chaincode < requirements.lock > chaincode.lock \
    && python locked.py build < requirements.lock > build.lock \
    && python -m pip --python /opt/countermark/bin/python install --require-hashes --only-binary :all: -r chaincode.lock \
    && python -m pip install --require-hashes --only-binary :all: -r build.lock
COPY . source
RUN python -m pip wheel --no-index --no-build-isolation --wheel-dir wheels ./source \
    && python -m pip --python /opt/countermark/bin/python install --no-index wheels/*.whl

FROM ${BASE_IMAGE}
ARG REVISION=unknown
LABEL org.opencontainers.image.title="countermark-chaincode" \
      org.opencontainers.image.description="The contracts of the market, as a service that peers dial" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/countermark /opt/countermark
ENV PATH=/opt/countermark/bin:$PATH \
    HOME=/nonexistent \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CHAINCODE_SERVER_ADDRESS=0.0.0.0:9998
USER 10001:10001
EXPOSE 9998
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=3 \
    CMD ["python", "-m", "countermark.chaincode.healthcheck"]
ENTRYPOINT ["python", "-m", "countermark.chaincode.server"]
