// What `concord check` writes as SARIF, against the JSON schema of SARIF 2.1.0.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import Ajv from 'ajv-draft-04';
import formats from 'ajv-formats';
import { concord } from './marketplace.js';

const schema = createRequire(import.meta.url)('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json');
const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
formats(ajv);
const validate = ajv.compile(schema);

const folder = mkdtempSync(join(tmpdir(), 'concord-sarif-'));
after(() => rmSync(folder, { recursive: true }));
const write = (file, text) => writeFileSync(join(folder, file), text);

const LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@tag"])\n';
const SDL = `${LINK}type Query { a: Int @tag(name: "public") getB: B e: E @tag(name: "public") }
type B { id: ID! gone: String old: Int } enum E { X Y }
`;
write('shop graph é.graphql', SDL);
write('supergraph.yaml', 'subgraphs:\n  shop: { routing_url: "http://localhost:1/", schema: { file: "shop graph é.graphql" } }\n');
const composed = spawnSync(concord, ['compose', '--config', 'supergraph.yaml', '-o', 'base.graphql'], { cwd: folder, encoding: 'utf8' });
assert.equal(composed.status, 0, composed.stderr);
write('ops.graphql', 'query Uses { getB { gone } }\n');
write('accepted.yaml', '- { type: FIELD_REMOVED, path: B.old, reason: agreed, by: mara, expires: 2999-12-31 }\n');

/** The SARIF of a check of `sdl` against the schema above. */
function sarif(sdl, status) {
  write('shop graph é.graphql', sdl);
  const checked = spawnSync(concord, [
    'check', '--base', 'base.graphql', '--head', 'supergraph.yaml', '--operations', 'ops.graphql',
    '--accept', 'accepted.yaml', '--contract', 'public:include=public', '--lint', '--report', 'sarif=check.sarif',
  ], { cwd: folder, encoding: 'utf8' });
  assert.equal(checked.status, status, checked.stderr + checked.stdout);
  const log = JSON.parse(readFileSync(join(folder, 'check.sarif'), 'utf8'));
  assert.ok(validate(log), JSON.stringify(validate.errors, null, 1));
  return log.runs[0];
}
const rules = (run) => new Set(run.results.map((result) => result.ruleId));

test('changes, broken operations, contracts, lint and suppressions', () => {
  const run = sarif(SDL.replace('gone: String old: Int', 'new: Int').replace('X Y', 'X Z').replace('a: Int @tag(name: "public")', 'a: Int'), 1);
  for (const rule of ['FIELD_REMOVED', 'BROKEN_OPERATION', 'ENUM_VALUE_ADDED', 'RESTY_FIELD_NAMES']) assert.ok(rules(run).has(rule), rule);
  assert.ok(run.results.some((result) => result.suppressions?.length));
  assert.ok(run.results.every((result) => run.tool.driver.rules.some((rule) => rule.id === result.ruleId)));
});

test('errors of composition', () => {
  const run = sarif(SDL.replace('type B {', 'type B @key(fields: "nothing") {'), 1);
  assert.ok(rules(run).has('KEY_INVALID_FIELDS'), [...rules(run)].join());
});

test('nothing to say', () => {
  const run = sarif(SDL, 0);
  assert.ok(!run.results.some((result) => result.level === 'error'));
});
