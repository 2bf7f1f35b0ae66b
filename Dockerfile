# The service, and nothing that trains: docker build -t framescope . (docs/service.md).
FROM python:3.13.9-slim-trixie AS base

FROM base AS build

WORKDIR /src
COPY pyproject.toml setup.py README.md LICENSE NOTICE ./
COPY framescope framescope
COPY classifier classifier
COPY training training
COPY eval eval
RUN python -m venv /opt/framescope \
    && /opt/framescope/bin/pip install --no-cache-dir '.[serve]'

FROM base

# Nothing is written at run time: no bytecode, and no home to write to.
ENV PATH=/opt/framescope/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/nonexistent

RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent \
    --shell /usr/sbin/nologin framescope
COPY --from=build /opt/framescope /opt/framescope

# By number, so that a cluster can see that it isn't root.
USER 10001:10001
WORKDIR /opt/framescope
EXPOSE 8000

# /health needs no token.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health', timeout=4)"]

CMD ["framescope", "serve", "--host", "0.0.0.0"]
