# opwatch as a container: docker build --tag opwatch . && docker run --rm opwatch version

FROM python:3.11.14-slim-bookworm AS build
WORKDIR /build
COPY requirements/runtime.txt requirements/build.txt requirements/
RUN python -m venv /opt/opwatch \
 && /opt/opwatch/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements/runtime.txt
RUN python -m venv /opt/tools \
 && /opt/tools/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY detectors detectors
COPY dashboards dashboards
COPY streams streams
RUN /opt/tools/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/opwatch/bin/pip install --no-cache-dir --no-deps --no-index dist/opwatch-*.whl

FROM python:3.11.14-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/opwatch --create-home --shell /usr/sbin/nologin opwatch
COPY --from=build /opt/opwatch /opt/opwatch
# Inside a container nobody reaches loopback; what is published is the host's decision.
ENV PATH=/opt/opwatch/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OPWATCH_HTTP__HOST=0.0.0.0 \
    OPWATCH_HTTP__PORT=9464
USER 10001
WORKDIR /var/lib/opwatch
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9464/healthz', timeout=4)"]
ENTRYPOINT ["opwatch"]
CMD ["run"]
