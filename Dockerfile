# syntax=docker/dockerfile:1
# The Python version that the tests use.
FROM python:3.11-slim AS build

# Without pip, because the final stage copies this folder and must not install packages.
RUN python -m venv --without-pip /venv
COPY requirements.txt /build/
RUN pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check -r /build/requirements.txt

COPY wsgi.py gunicorn.conf.py /app/
COPY resume_service /app/resume_service
COPY migrations /app/migrations
COPY clients/js/src /app/clients/js/src
# With a read-only file system, Python can't cache bytecode, so every start would compile again.
# Unchecked, because a copy between stages may change the file times that a check compares.
RUN python -m compileall -q --invalidation-mode unchecked-hash /app


FROM python:3.11-slim

LABEL org.opencontainers.image.title="resume-service" \
      org.opencontainers.image.description="Resume points of viewers over HTTP, stored in Redis"

COPY --from=build /venv /venv
COPY --from=build /app /app

ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1

WORKDIR /app
# A number, so that an orchestrator can check that it is not root.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM

# http.client, because urllib would use the proxy in HTTP_PROXY.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.getenv('PORT') or 8000), timeout=2); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]

# All options are in gunicorn.conf.py.
CMD ["gunicorn"]
