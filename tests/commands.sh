#!/usr/bin/env bash
# Every command and endpoint that scripts outside this repository rely on, tried through the release
# binaries: what it prints, where, and its exit code. Mistakes too: one clear line and the remedy.
#
# Needs the release binaries, and a running marketplace for the endpoints (see tests/walkthrough.sh):
#   BIN  default target/release     GATEWAY, USERS, REVIEWS, PAYMENTS, DATA_DIR  as in the walkthrough
set -euo pipefail
cd "$(dirname "$0")/.."

BIN=${BIN:-target/release}
GATEWAY=${GATEWAY:-http://localhost:4000}
USERS=${USERS:-http://localhost:4001}
REVIEWS=${REVIEWS:-http://localhost:4002}
PAYMENTS=${PAYMENTS:-http://localhost:4003}
DATA_DIR=${DATA_DIR:-data}
SERVICE_CREDENTIAL=${SERVICE_CREDENTIAL:-svc_operator_development}
work=$(mktemp -d)
started=
cleanup() {
  [ -n "$started" ] && kill -9 "$started" 2>/dev/null
  chmod -R u+w "$work" 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT
tried=0
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# run WANT COMMAND...: runs it, wants this exit code; its output is in $out and $err.
run() {
  local want=$1 got=0
  shift
  timeout 60 "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
  out=$(cat "$work/out") err=$(cat "$work/err")
  [ "$got" -eq "$want" ] || fail "exit code $got instead of $want: $*"$'\n'"$out"$'\n'"$err"
  tried=$((tried + 1))
}
# contains TEXT PART...: every part is in the text.
contains() {
  local text=$1 part
  shift
  for part in "$@"; do case "$text" in *"$part"*) ;; *) fail "no '$part' in: $text" ;; esac; done
}
# one_line TEXT: a mistake is told in one line, without a backtrace.
one_line() { [ "$(printf '%s\n' "$1" | grep -c .)" -eq 1 ] || fail "more than one line: $1"; }
# http WANT URL CURL-OPTIONS...: wants this status; the body is in $out.
http() {
  local want=$1 url=$2 got
  shift 2
  got=$(curl -sS -o "$work/out" -w '%{http_code}' "$url" "$@")
  out=$(cat "$work/out")
  [ "$got" = "$want" ] || fail "$url answered $got instead of $want: $out"
  tried=$((tried + 1))
}
# serves READY-URL COMMAND...: starts it, waits until it is ready.
serves() {
  local url=$1
  shift
  "$@" >"$work/served" 2>&1 </dev/null &
  started=$!
  for _ in $(seq 1 300); do
    curl -sf "$url" >/dev/null 2>&1 && { tried=$((tried + 1)); return; }
    kill -0 "$started" 2>/dev/null || fail "ended: $*"$'\n'"$(cat "$work/served")"
    sleep 0.1
  done
  fail "never ready: $*"$'\n'"$(cat "$work/served")"
}
stops() {
  local code=0
  kill -TERM "$started"
  wait "$started" || code=$?
  started=
  [ "$code" -eq 0 ] || fail "did not stop cleanly ($code): $(cat "$work/served")"
}
section() { printf '== %s\n' "$*"; }

section "concord compose"
run 0 "$BIN/concord" compose --config schema/supergraph.yaml
contains "$out" "join__Graph" "type Product"
run 0 "$BIN/concord" compose --config schema/supergraph.yaml -o "$work/supergraph.graphql"
cmp -s "$work/supergraph.graphql" schema/supergraph.graphql || fail "compose -o differs from schema/supergraph.graphql"
run 0 "$BIN/concord" compose --config schema/supergraph.yaml --format sdl
run 0 "$BIN/concord" compose --config schema/supergraph.yaml --format text
run 0 "$BIN/concord" compose --config schema/supergraph.yaml --format json
contains "$out" '"ok"' '"errors"' '"hints"' '"supergraphSdl"' '"apiSdl"'
mkdir "$work/broken"
cat >"$work/broken/a.graphql" <<'SDL'
extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])
type Query { thing: Thing }
type Thing @key(fields: "nothing") { id: ID! }
SDL
printf 'federation_version: 2\nsubgraphs:\n  a:\n    routing_url: http://localhost:1\n    schema:\n      file: a.graphql\n' >"$work/broken/supergraph.yaml"
run 1 "$BIN/concord" compose --config "$work/broken/supergraph.yaml" --format json
contains "$out" KEY_INVALID_FIELDS '"subgraph"' '"line"' '"column"'
run 2 "$BIN/concord" compose --colour
run 3 "$BIN/concord" compose --config "$work/nowhere.yaml"
contains "$err" nowhere.yaml

section "concord plan"
for operation in tests/operations/*.graphql; do
  for format in text json mermaid; do
    run 0 "$BIN/concord" plan "$operation" --supergraph schema/supergraph.graphql --format "$format"
  done
  run 0 "$BIN/concord" plan "$operation" --supergraph schema/supergraph.graphql --explain
done
printf 'query A { me { id } }\nquery B { me { displayName } }\n' >"$work/two.graphql"
run 0 "$BIN/concord" plan "$work/two.graphql" --supergraph schema/supergraph.yaml --operation B
contains "$out" displayName
run 3 "$BIN/concord" plan "$work/nowhere.graphql" --supergraph schema/supergraph.graphql

section "concord check"
sed '/^  title: String/d' schema/api.graphql >"$work/without-title.graphql"
for format in text json markdown github sarif junit; do
  run 0 "$BIN/concord" check --base schema/api.graphql --head schema/supergraph.yaml --format "$format"
  run 1 "$BIN/concord" check --base schema/supergraph.graphql --head "$work/without-title.graphql" --format "$format"
  contains "$out$err" title
done
run 1 "$BIN/concord" check --base schema/api.graphql --head "$work/without-title.graphql" --format json
contains "$out" '"ok"' '"changes"' '"type"' '"criticality"' '"path"' '"message"' BREAKING
run 1 "$BIN/concord" check --base schema/api.graphql --head "$work/without-title.graphql" --operations 'tests/operations/*.graphql'
run 2 "$BIN/concord" check
run 3 "$BIN/concord" check --base "$work/nowhere.graphql" --head schema/api.graphql

section "concord serve"
for file in schema/supergraph.graphql schema/supergraph.yaml; do
  serves http://127.0.0.1:4790/health "$BIN/concord" serve --supergraph "$file" --listen 127.0.0.1:4790 --workers 2
  http 200 http://127.0.0.1:4790/graphql -H 'content-type: application/json' --data '{"query":"{__typename}"}'
  contains "$out" '"__typename":"Query"'
  http 200 'http://127.0.0.1:4790/graphql?query=%7B__typename%7D'
  http 200 http://127.0.0.1:4790/ -H 'accept: text/html'
  contains "$out" graphiql
  stops
done
run 1 "$BIN/concord" serve --supergraph "$work/broken/supergraph.yaml" --listen 127.0.0.1:4790
contains "$err" KEY_INVALID_FIELDS
run 3 "$BIN/concord" serve --supergraph "$work/nowhere.graphql" --listen 127.0.0.1:4790

section "the services alone"
port=4791
for service in users reviews payments; do
  data=sqlite://$work/$service.sqlite
  run 0 "$BIN/$service" schema print
  diff -q <(printf '%s\n' "$out") schema/$service.graphql >/dev/null || fail "$service schema print differs from schema/$service.graphql"
  run 0 "$BIN/$service" --database "$data" migrate up
  run 0 "$BIN/$service" --database "$data" migrate status
  run 0 "$BIN/$service" --database "$data" migrate down
  serves http://127.0.0.1:$port/health/ready "$BIN/$service" serve --listen 127.0.0.1:$port --database "$data"
  http 200 http://127.0.0.1:$port/health/live
  http 200 http://127.0.0.1:$port/metrics
  http 401 http://127.0.0.1:$port/graphql -H 'content-type: application/json' --data '{"query":"{__typename}"}'
  http 200 http://127.0.0.1:$port/graphql -H 'content-type: application/json' -H "authorization: Bearer $SERVICE_CREDENTIAL" --data '{"query":"{__typename}"}'
  http 200 "http://127.0.0.1:$port/internal/events?after=0&limit=5" -H "authorization: Bearer $SERVICE_CREDENTIAL"
  contains "$out" '"events"' '"next"'
  http 401 "http://127.0.0.1:$port/internal/events?after=0&limit=5"
  run 1 "$BIN/$service" serve --listen 127.0.0.1:$port --database sqlite://$work/other.sqlite
  contains "$err" "$port"
  stops
  serves http://127.0.0.1:$port/health/ready "$BIN/$service" --listen 127.0.0.1:$port --database "$data"
  stops
  printf 'nonsense = 1\n' >"$work/bad.toml"
  run 1 "$BIN/$service" --config "$work/bad.toml" --database "$data" migrate status
  contains "$err" nonsense
  run 1 "$BIN/$service" --config "$work/nowhere.toml" --database "$data" migrate status
  contains "$err" nowhere.toml
  run 2 "$BIN/$service" fly
  port=$((port + 1))
done

section "the marketplace's mistakes"
run 1 "$BIN/marketplace" --data-dir "$work/market" --port "${GATEWAY##*:}"
contains "$err" "${GATEWAY##*:}" --port
one_line "$(grep '^marketplace:' "$work/err")"
run 1 "$BIN/marketplace" --data-dir "$DATA_DIR" --port 4810
contains "$err" --data-dir
touch "$work/file"
run 1 "$BIN/marketplace" --data-dir "$work/file/data" --port 4810
contains "$err" --data-dir
run 1 "$BIN/marketplace" --data-dir "$work/market" --port 4810 --log '=='
contains "$err" --log
run 2 "$BIN/marketplace" --nonsense
run 0 "$BIN/marketplace" --help
contains "$out" --data-dir --reset --port

section "endpoints of the running marketplace"
for role in CUSTOMER DRIVER MERCHANT SUPPORT MODERATOR ADMIN; do
  grep -q "\"$role\"" "$DATA_DIR/demo-logins.json" || fail "no demo login of $role"
done
[ "$(grep -o '"CUSTOMER"' "$DATA_DIR/demo-logins.json" | wc -l)" -ge 2 ] || fail "fewer than two customers"
for base in "$USERS" "$REVIEWS" "$PAYMENTS"; do
  http 200 "$base/dev/inbox.json?to=nobody@example.com"
  contains "$out" '[]'
  http 200 "$base/health/live"
  http 200 "$base/metrics"
  http 200 "$base/internal/events?after=0&limit=2" -H "authorization: Bearer $SERVICE_CREDENTIAL"
  contains "$out" '"seq"' '"id"' '"type"' '"key"' '"payload"' '"at"' '"next"'
done
vault() { # STATUS NUMBER MONTH YEAR CVC PART...
  local status=$1
  http "$status" "$PAYMENTS/vault/v1/tokens" -H 'content-type: application/json' \
    --data "{\"number\":\"$2\",\"expMonth\":$3,\"expYear\":$4,\"cvc\":\"$5\"}"
  shift 5
  contains "$out" "$@"
}
vault 201 4242424242424242 12 2034 123 '"token"' '"brand"' '"last4":"4242"' '"expMonth":12' '"expYear":2034' '"expiresAt"'
vault 201 378282246310005 12 2034 1234 '"last4":"0005"'
vault 201 5555555555554444 12 2034 123 '"last4":"4444"'
vault 422 4242424242424241 12 2034 123 INCORRECT_NUMBER '"errors"' '"message"' '"path"'
vault 422 4242424242424242 1 2020 123 EXPIRED_CARD
vault 422 4242424242424242 12 2034 12 INVALID_CVC
vault 422 378282246310005 12 2034 123 INVALID_CVC
http 200 "$USERS/.well-known/jwks.json"
contains "$out" '"keys"' '"kid"' '"x"'
http 200 "$USERS/.well-known/openid-configuration"
contains "$out" '"issuer"' '"jwks_uri"' '"introspection_endpoint"' '"revocation_endpoint"'
http 401 "$USERS/oauth/introspect" -d token=nonsense
http 200 "$USERS/oauth/introspect" -H "authorization: Bearer $SERVICE_CREDENTIAL" -d token=nonsense
contains "$out" '"active":false'
http 200 "$USERS/oauth/revoke" -H "authorization: Bearer $SERVICE_CREDENTIAL" -d token=nonsense
http 200 "$USERS/oauth/revoke" -d token=nonsense
http 401 "$GATEWAY/graphql" -H 'content-type: application/json' -H 'authorization: Bearer nonsense' --data '{"query":"{__typename}"}'
contains "$out" UNAUTHENTICATED

printf '\n%d commands and requests did as written.\n' "$tried"
