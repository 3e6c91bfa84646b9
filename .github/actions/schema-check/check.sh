#!/usr/bin/env bash
# The action's only step. Reads HEAD_SCHEMA, BASE, CONFIG, OPERATIONS, ARGUMENTS, CONCORD; writes
# annotations to standard output, a summary and SARIF to files.
set -uo pipefail
folder=${RUNNER_TEMP:-$(mktemp -d)}
arguments=(check --base "$BASE" --head "$HEAD_SCHEMA" --format github
  --report "markdown=$folder/schema-check.md" --report "sarif=$folder/schema-check.sarif")
[ -n "${CONFIG:-}" ] && arguments+=(--config "$CONFIG")
while IFS= read -r glob; do
  [ -n "$glob" ] && arguments+=(--operations "$glob")
done <<<"${OPERATIONS:-}"
# Split on purpose: options as one would type them.
# shellcheck disable=SC2206
arguments+=(${ARGUMENTS:-})
"${CONCORD:-concord}" "${arguments[@]}"
status=$?
[ -f "$folder/schema-check.md" ] && cat "$folder/schema-check.md" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
echo "sarif=$folder/schema-check.sarif" >>"${GITHUB_OUTPUT:-/dev/null}"
exit $status
