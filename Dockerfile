# syntax=docker/dockerfile:1.7
# docker build --target serve .   answers searches; no torch in it
# docker build --target jobs  .   indexes and trains: all that is pinned for these, torch included

FROM python:3.11.14-slim-bookworm AS tools
SHELL ["/bin/bash", "-o", "pipefail", "-euc"]
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 VIRTUAL_ENV=/opt/aisle
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --disable-pip-version-check --root-user-action=ignore uv==0.13.8
WORKDIR /src

# Aisle itself, as a wheel.
FROM tools AS wheel
COPY requirements.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv venv -q /opt/build \
 && uv pip install -q --python /opt/build/bin/python --constraints requirements.lock hatchling
COPY pyproject.toml README.md ./
COPY search ./search
COPY query ./query
COPY indexer ./indexer
COPY rankers ./rankers
COPY training ./training
COPY eval ./eval
COPY api ./api
COPY fixtures ./fixtures
RUN /opt/build/bin/python -m hatchling build -t wheel -d /dist

# What serving needs. The libraries are a layer of their own: they change more seldom than Aisle.
FROM tools AS serve-packages
COPY requirements-serve.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv venv -q /opt/aisle && uv pip install -q -r requirements-serve.lock
COPY deploy/install.sh /src/
RUN --mount=type=bind,from=wheel,source=/dist,target=/dist sh install.sh

# What indexing and training need: of what is pinned for developers, all but their own tools.
FROM tools AS jobs-packages
COPY requirements.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,from=wheel,source=/dist,target=/dist \
    uv venv -q /opt/aisle \
 && uv pip install -q --constraints requirements.lock \
      "aisle[serve,index,train,eval,kafka,redis,elasticsearch,opensearch,s3] @ file://$(echo /dist/*.whl)" \
 && uv pip uninstall -q aisle
COPY deploy/install.sh /src/
RUN --mount=type=bind,from=wheel,source=/dist,target=/dist sh install.sh

FROM python:3.11.14-slim-bookworm AS base
# /tmp is all that must be writable beside the data directory; deploy/entrypoint.sh fills the
# cache of compiled kernels there. The settings file is named, so it has to be there; it is empty.
ENV PATH=/opt/aisle/bin:$PATH \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    NUMBA_CACHE_DIR=/tmp/numba HOME=/tmp AISLE_SETTINGS=/etc/aisle/aisle.toml \
    AISLE_SERVING__HOST=0.0.0.0 AISLE_SERVING__PORT=8000
RUN groupadd --gid 10001 aisle \
 && useradd --uid 10001 --gid aisle --no-create-home --home-dir /tmp --shell /usr/sbin/nologin aisle \
 && install -d -o aisle -g aisle -m 700 /data \
 && install -d -o aisle -g aisle -m 755 /artifacts \
 && install -D -m 644 /dev/null "$AISLE_SETTINGS"
COPY deploy/entrypoint.sh deploy/health.py deploy/secrets.sh /opt/deploy/
ENTRYPOINT ["/opt/deploy/entrypoint.sh"]
USER 10001:10001
WORKDIR /

FROM base AS jobs
COPY --from=jobs-packages /opt/aisle /opt/aisle
# Python ends well on it, even as the first process of its container, where SIGTERM means nothing.
STOPSIGNAL SIGINT
CMD ["--help"]

FROM base AS serve
COPY --from=serve-packages /opt/aisle /opt/aisle
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["python", "/opt/deploy/health.py"]
CMD ["serve", "--data", "/data"]
