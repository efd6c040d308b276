#!/bin/sh
# The smoke test of POST /videos/{id}/progress, against a running service that has a video 1:
# sign in, 50 % (a first save), 100 % (an update that completes), 150 % (refused).
set -eu
port=${PORT:-8000}
TOKEN=$(JWT_SECRET=${JWT_SECRET:-$(cat instance/jwt-secret)} .venv/bin/flask token "${VIEWER:-smoke}")

save() {
    curl -sS -w ' %{http_code}\n' -X POST "http://localhost:$port/videos/1/progress" \
        -H "Authorization: Bearer $TOKEN" \
        -H "Content-Type: application/json" \
        -d "$1"
}

expect() {
    answer=$(save "$1" | tr -d '\n')
    case $answer in
    $2) echo "ok: $1: $answer" ;;
    *)
        echo "not ok: $1: $answer" >&2
        exit 1
        ;;
    esac
}

expect '{"progress_rate": 50}' '*"progress_rate":50,"is_completed":false*200'
expect '{"progress_rate": 100}' '*"progress_rate":100,"is_completed":true*200'
expect '{"progress_rate": 150}' '*"progress_rate"*422'
