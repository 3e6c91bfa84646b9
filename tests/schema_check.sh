#!/usr/bin/env bash
# Schema checks as a repository lives them: the script of the GitHub action and that of the GitLab job on
# a scratch repository with a sequence of real changes to the marketplace's schema. A few seconds.
# Needs git, node and the built `concord` (CONCORD, or target/release/concord).
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
export CONCORD=${CONCORD:-$root/target/release/concord}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir -p schema operations
for name in payments reviews users; do cp "$root/schema/$name.graphql" schema/; done
cat >supergraph.yaml <<'YAML'
subgraphs:
  payments: { routing_url: "http://localhost:4003/graphql", schema: { file: schema/payments.graphql } }
  reviews: { routing_url: "http://localhost:4002/graphql", schema: { file: schema/reviews.graphql } }
  users: { routing_url: "http://localhost:4001/graphql", schema: { file: schema/users.graphql } }
YAML
cat >concord.yaml <<'YAML'
check:
  operations: ["operations/*.graphql"]
  acceptances: accepted.yaml
YAML
echo '# nothing yet' >accepted.yaml
echo 'query Titles { product(sku: "KIT-004") { title stock { inStock } } }' >operations/titles.graphql
git() { command git -c user.name=test -c user.email=test@example.org -c commit.gpgsign=false "$@"; }
git init --quiet --initial-branch main .
git add . && git commit --quiet -m "The graph as it is"

# The job's `script`, one command per line, as GitLab would join what is folded over several.
gitlab_script() {
  awk '/^  [a-z]/ { inside = /^  script:/ ; next }
    !inside { next }
    /^    - / { if (command) print command; command = substr($0, 7); next }
    /^      / { sub(/^ +/, ""); command = command " " $0 }
    END { if (command) print command }' "$root/.gitlab/schema-check.yml"
}
mkdir bin && ln -s "$CONCORD" bin/concord
git remote add origin "$work"
gitlab_job() {
  CI_MERGE_REQUEST_TARGET_BRANCH_NAME=main SCHEMA=supergraph.yaml CHECK_ARGUMENTS="--config concord.yaml" \
    PATH=$work/bin:$PATH bash -eo pipefail -c "$(gitlab_script)"
}
[ "$(gitlab_script | wc -l)" -eq 2 ] || { echo "the GitLab job's script cannot be read:"; gitlab_script; exit 1; }

# One pull request: what it does, the expected exit code, and what the check must say.
number=0
pull_request() {
  local title=$1 expected=$2 says=$3 status=0
  number=$((number + 1))
  git add -A && git commit --quiet -m "$title"
  HEAD_SCHEMA=supergraph.yaml BASE=main CONFIG=concord.yaml RUNNER_TEMP=$work/out \
    GITHUB_STEP_SUMMARY=$work/out/summary.md bash "$root/.github/actions/schema-check/check.sh" \
    >"$work/out/github.txt" 2>&1 || status=$?
  if [ $status -ne "$expected" ] || ! grep -qF "$says" "$work/out/github.txt"; then
    echo "pull request $number, $title: exit $status instead of $expected, or no \`$says\` in:"
    cat "$work/out/github.txt"
    exit 1
  fi
  node -e 'JSON.parse(require("fs").readFileSync(process.argv[1]))' "$work/out/schema-check.sarif"
  grep -q '^## Schema check' "$work/out/summary.md"
  # GitLab's job says the same, and leaves the artifacts that it names.
  local again=0
  gitlab_job >"$work/out/gitlab.txt" 2>&1 || again=$?
  if [ $again -ne "$expected" ]; then
    echo "pull request $number, $title: GitLab's job ended with $again instead of $expected:"
    cat "$work/out/gitlab.txt"
    exit 1
  fi
  grep -q '<testsuites' schema-check.xml && grep -q '^## Schema check' schema-check.md && [ -s schema-check.sarif ]
  rm schema-check.xml schema-check.md schema-check.sarif
  echo "ok: $title"
}
start() { git checkout --quiet -B change main; rm -rf "$work/out"; mkdir "$work/out"; }
exclude() { printf '%s\n' out bin 'schema-check.*' >>.git/info/exclude; }
exclude

start
sed -i 's/^type Product /&/; /^type Product /,/^}/ s/^  title: String!/  title: String!\n  nickname: String/' schema/payments.graphql
git diff --quiet && { echo "the schema has no Product.title"; exit 1; }
pull_request "a nullable field is added" 0 "0 breaking"
git checkout --quiet main && git merge --quiet --ff-only change

start
sed -i '/^  nickname: String/d' schema/payments.graphql
pull_request "a field that nobody asks for is removed" 0 "0 breaking"

start
sed -i '/^type Product /,/^}/ { /^  title: String!/d }' schema/payments.graphql
pull_request "a field that an operation asks for is removed" 1 "breaks Titles (operations/titles.graphql:1)"
printf -- '- { type: FIELD_REMOVED, path: Product.title, reason: agreed, by: mara@shop.example, expires: 2999-12-31 }\n' >accepted.yaml
pull_request "the same, accepted" 0 "1 of 1 operations broken"

start
printf '\nextend type Query { product(sku: String!): Product }\n' >>schema/reviews.graphql
pull_request "subgraphs that do not fit together" 1 "::error file=schema/"

start
echo 'query {' >operations/broken.graphql
git add -A && git commit --quiet -m "a broken operation"
# Whatever cannot be loaded ends with 3.
not_loaded() {
  local title=$1 status=0
  shift
  "$CONCORD" check "$@" >"$work/out/text" 2>&1 || status=$?
  [ $status -eq 3 ] || { echo "$title: exit $status instead of 3"; cat "$work/out/text"; exit 1; }
  echo "ok: $title"
}
not_loaded "operations that cannot be read are no pass" --base main --head supergraph.yaml --config concord.yaml
not_loaded "an unknown revision is no pass" --base no-such-branch --head supergraph.yaml
