#!/usr/bin/env bash
# A stranger's first hour, with curl alone: registers, reads the mail, signs in, searches a product,
# orders, pays, reviews, reads the review back, is refunded, and checks that the ledger adds up.
#
# Every step can be repeated: started again with the same RUN_ID after a crash, it goes on where it
# stopped, and nothing is bought, paid or refunded twice.
#
# Needs a running marketplace (`cargo run --release`) and its data folder:
#   GATEWAY   default http://localhost:4000
#   USERS     default http://localhost:4001       PAYMENTS  default http://localhost:4003
#   DATA_DIR  default ./data                      (for demo-logins.json)
set -euo pipefail

GATEWAY=${GATEWAY:-http://localhost:4000}
USERS=${USERS:-http://localhost:4001}
PAYMENTS=${PAYMENTS:-http://localhost:4003}
DATA_DIR=${DATA_DIR:-data}
RUN=${RUN_ID:-$(date +%s)$$}
EMAIL="walk.$RUN@example.com"
PASSPHRASE="sundial-otter-violet-$RUN"
TOKEN=

step() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# json NAME: the first value of that name in the JSON on standard input (strings without quotes).
json() {
  grep -o "\"$1\" *: *\(\"\(\\\\.\|[^\"\\\\]\)*\"\|[^],}]*\)" | head -n 1 | sed -e "s/^\"$1\" *: *//" -e 's/^"//' -e 's/"$//'
}

# gql DOCUMENT: sends it as the signed-in caller, prints the answer.
gql() {
  local document=${1//\"/\\\"}
  document=${document//$'\n'/ }
  local auth=()
  [ -n "$TOKEN" ] && auth=(-H "authorization: Bearer $TOKEN")
  curl -sS --fail-with-body -X POST "$GATEWAY/graphql" -H 'content-type: application/json' "${auth[@]}" \
    --data "{\"query\":\"$document\"}"
}

# expect NAME WANT ANSWER: the answer's value of that name.
expect() {
  local got
  got=$(printf '%s' "$3" | json "$1") || true
  [ "$got" = "$2" ] || fail "$1 is '$got', expected '$2' in: $3"
}

try_sign_in() {
  TOKEN=
  answer=$(gql "mutation { sessionCreate(input: {email: \"$1\", password: \"$2\"}) { tokens { accessToken } errors { ... on UserError { code message } } } }")
  TOKEN=$(printf '%s' "$answer" | json accessToken) || true
}

sign_in() {
  try_sign_in "$1" "$2"
  [ -n "$TOKEN" ] || fail "no access token for $1: $answer"
}

demo_login() { # ROLE -> "email password"
  tr -d '\n' <"$DATA_DIR/demo-logins.json" | grep -o '{[^}]*}' | grep "\"$1\"" | head -n 1 |
    sed -e 's/.*"email" *: *"\([^"]*\)".*"password" *: *"\([^"]*\)".*/\1 \2/'
}

try_sign_in "$EMAIL" "$PASSPHRASE"
if [ -n "$TOKEN" ]; then
  step "already registered as $EMAIL"
else
  step "register $EMAIL"
  answer=$(gql "mutation { userRegister(input: {email: \"$EMAIL\", password: \"$PASSPHRASE\", displayName: \"Walter Walk\"}) { accepted errors { ... on UserError { code message } } } }")
  expect accepted true "$answer"

  step "read the verification mail"
  link=
  for _ in $(seq 1 100); do
    mail=$(curl -sS --fail-with-body -G "$USERS/dev/inbox.json" --data-urlencode "to=$EMAIL")
    link=$(printf '%s' "$mail" | grep -o '?token=[A-Za-z0-9_.-]*' | head -n 1) || true
    [ -n "$link" ] && break
    sleep 0.2
  done
  [ -n "$link" ] || fail "no verification mail arrived"
  answer=$(gql "mutation { userVerifyEmail(token: \"${link#?token=}\") { user { displayName } errors { ... on UserError { code message } } } }")
  expect displayName "Walter Walk" "$answer"

  step "sign in"
  sign_in "$EMAIL" "$PASSPHRASE"
fi
answer=$(gql '{ me { displayName account { email emailVerified } } }')
expect email "$EMAIL" "$answer"

step "search a product"
answer=$(gql '{ products(first: 1, search: "kettle", inStock: true) { edges { node { id sku title price { amountMinor currency decimal } } } } }')
PRODUCT=$(printf '%s' "$answer" | json id)
SKU=$(printf '%s' "$answer" | json sku)
CURRENCY=$(printf '%s' "$answer" | json currency)
[ -n "$PRODUCT" ] || fail "nothing found: $answer"
echo "$SKU $PRODUCT $CURRENCY"

step "add a card"
answer=$(gql '{ me { paymentMethods { id last4 } } }')
METHOD=$(printf '%s' "$answer" | sed 's/.*paymentMethods//' | json id) || true
if [ -z "$METHOD" ]; then
  answer=$(curl -sS --fail-with-body -X POST "$PAYMENTS/vault/v1/tokens" -H 'content-type: application/json' \
    --data '{"number":"4242424242424242","expMonth":12,"expYear":2034,"cvc":"123"}')
  CARD=$(printf '%s' "$answer" | json token)
  answer=$(gql "mutation { paymentMethodAttach(input: {token: \"$CARD\", makeDefault: true, idempotencyKey: \"card-$RUN-$(date +%s%N)\"}) { paymentMethod { id last4 } errors { ... on UserError { code message } } } }")
  METHOD=$(printf '%s' "$answer" | json id)
fi
expect last4 4242 "$answer"

step "order two"
answer=$(gql "mutation { orderCreate(input: {lines: [{productId: \"$PRODUCT\", quantity: 2}], currency: \"$CURRENCY\", idempotencyKey: \"order-$RUN\", shippingAddress: {recipient: \"Walter Walk\", lines: [\"1 Bridge Street\"], locality: \"Portland\", administrativeArea: \"OR\", postalCode: \"97205\", countryCode: \"US\"}}) { order { id number status total { decimal } } errors { ... on UserError { code message path } } } }")
ORDER=$(printf '%s' "$answer" | json id) || fail "no order: $answer"

step "pay"
answer=$(gql "mutation { paymentCreate(input: {orderId: \"$ORDER\", idempotencyKey: \"create-$RUN\"}) { payment { id status } errors { ... on UserError { code message } } } }")
PAYMENT=$(printf '%s' "$answer" | json id) || fail "no payment: $answer"
confirm="mutation { paymentConfirm(input: {paymentId: \"$PAYMENT\", paymentMethodId: \"$METHOD\", idempotencyKey: \"confirm-$RUN\"}) { payment { id status } errors { ... on UserError { code message } } } }"
answer=$(gql "$confirm")
# After a crash behind the refund the payment is what it has become.
case "$answer" in *'"status":"REFUNDED"'*) ;; *) expect status SUCCEEDED "$answer" ;; esac
[ "$(gql "$confirm")" = "$answer" ] || fail "the same idempotency key gave another answer"

step "review"
# Everybody's own words: the same text from many authors would wait for a moderator.
words=(amber birch copper dawn ember fern granite harbour indigo juniper kelp linen maple nectar ochre pine)
digest=$(printf '%s' "$RUN" | md5sum)
notes=
for at in 0 1 2 3 4 5 6 7; do notes="$notes ${words[$((16#${digest:$at:1}))]}"; done
answer=$(gql "mutation { reviewCreate(input: {productId: \"$PRODUCT\", rating: 5, title: \"Walked all the way\", body: \"Boils quickly and pours well. Tastes of$notes.\", idempotencyKey: \"review-$RUN\"}) { review { id status verifiedPurchase } errors { ... on UserError { code message } } } }")
expect verifiedPurchase true "$answer"
expect status PUBLISHED "$answer"

step "read it back through the product"
# Reviews keeps a copy of names, fed by users' events: a new name is there a moment later.
for _ in $(seq 1 100); do
  answer=$(gql "{ product(sku: \"$SKU\") { title ratingSummary { average count } reviews(first: 1, sort: NEWEST) { edges { node { rating title author { displayName } } } } } }")
  [ "$(printf '%s' "$answer" | json displayName)" = Member ] || break
  sleep 0.1
done
expect displayName "Walter Walk" "$answer"
case "$answer" in *'Walked all the way'*) ;; *) fail "the review is not on the page: $answer" ;; esac
count=$(printf '%s' "$answer" | json count)
[ "$count" -ge 1 ] || fail "the rating summary counts $count"

step "refund (support)"
read -r email password <<<"$(demo_login SUPPORT)"
sign_in "$email" "$password"
answer=$(gql "mutation { refundCreate(input: {paymentId: \"$PAYMENT\", reason: REQUESTED_BY_CUSTOMER, idempotencyKey: \"refund-$RUN\"}) { refund { status amount { decimal } } errors { ... on UserError { code message } } } }")
expect status SUCCEEDED "$answer"

step "check the ledger (admin)"
read -r email password <<<"$(demo_login ADMIN)"
sign_in "$email" "$password"
answer=$(gql "{ payment(id: \"$PAYMENT\") { status ledger { account debit { amountMinor } credit { amountMinor } } } }")
expect status REFUNDED "$answer"
debits=$(printf '%s' "$answer" | grep -o '"debit":{"amountMinor":"[0-9]*"' | grep -o '[0-9]*' | paste -sd+ - | sed 's/^$/0/')
credits=$(printf '%s' "$answer" | grep -o '"credit":{"amountMinor":"[0-9]*"' | grep -o '[0-9]*' | paste -sd+ - | sed 's/^$/0/')
[ -n "$debits" ] && [ $((debits)) -gt 0 ] && [ $((debits)) -eq $((credits)) ] || fail "ledger: debits $((debits)), credits $((credits)): $answer"
echo "debits $((debits)) = credits $((credits))"

step "nothing is doubled"
sign_in "$EMAIL" "$PASSPHRASE"
answer=$(gql '{ me { orders { edges { node { id status } } } payments { edges { node { id refunds { edges { node { id } } } } } } } }')
for prefix in ord pay ref; do
  count=$(printf '%s' "$answer" | grep -o "\"${prefix}_" | wc -l)
  [ "$count" -eq 1 ] || fail "$count of ${prefix}_ in $answer"
done
echo "one order, one payment, one refund"

printf '\nThe walkthrough is complete.\n'
