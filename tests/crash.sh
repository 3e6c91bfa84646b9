#!/usr/bin/env bash
# kill -9 in the middle of the walkthrough, at many moments, and a restart after each: the
# interrupted walkthrough goes on where it stopped, nothing is lost and nothing is doubled.
#
#   MARKETPLACE   default target/release/marketplace
#   PAYMENTS_BIN, REVIEWS_BIN   the services' own binaries, for their `verify` commands
#   MOMENTS       milliseconds after the start of the walkthrough at which to kill
set -euo pipefail
cd "$(dirname "$0")/.."

MARKETPLACE=${MARKETPLACE:-target/release/marketplace}
PAYMENTS_BIN=${PAYMENTS_BIN:-target/release/payments}
REVIEWS_BIN=${REVIEWS_BIN:-target/release/reviews}
MOMENTS=${MOMENTS:-"40 150 300 450 600 800 1000 1300 1700"}
PORT=${PORT:-4900}
work=$(mktemp -d)
server=
cleanup() { [ -n "$server" ] && kill -9 "$server" 2>/dev/null; rm -rf "$work"; }
trap cleanup EXIT

export DATA_DIR=$work/data GATEWAY=http://localhost:$PORT USERS=http://localhost:$((PORT + 1)) PAYMENTS=http://localhost:$((PORT + 3))

start() {
  "$MARKETPLACE" --data-dir "$DATA_DIR" --port "$PORT" >>"$work/server.log" 2>&1 &
  server=$!
  for _ in $(seq 1 600); do
    curl -sf "$GATEWAY/health/ready" >/dev/null 2>&1 && return
    kill -0 "$server" 2>/dev/null || { cat "$work/server.log"; exit 1; }
    sleep 0.1
  done
  cat "$work/server.log"
  exit 1
}

start
number=0
for moment in $MOMENTS; do
  number=$((number + 1))
  export RUN_ID=crash$$x$number
  bash tests/walkthrough.sh >"$work/first.log" 2>&1 &
  walker=$!
  sleep "$(printf '%d.%03d' $((moment / 1000)) $((moment % 1000)))"
  kill -9 "$server"
  wait "$server" 2>/dev/null || true
  wait "$walker" 2>/dev/null || true
  reached=$(grep '^==' "$work/first.log" | tail -n 1 || true)
  start
  # An interrupted payment is settled by the reconciler; the walkthrough is repeated until it is.
  done=
  for _ in $(seq 1 60); do
    if bash tests/walkthrough.sh >"$work/second.log" 2>&1; then done=yes; break; fi
    sleep 1
  done
  [ -n "$done" ] || { echo "killed after ${moment} ms (${reached}); never completed:"; cat "$work/second.log"; exit 1; }
  echo "killed after ${moment} ms ($reached): completed after the restart"
done

kill -TERM "$server"
wait "$server" || { echo "did not stop cleanly"; exit 1; }
server=
"$PAYMENTS_BIN" --database "sqlite://$DATA_DIR/payments.sqlite" ledger verify
"$REVIEWS_BIN" --database "sqlite://$DATA_DIR/reviews.sqlite" verify
echo "Nothing lost, nothing doubled in $number crashes."
