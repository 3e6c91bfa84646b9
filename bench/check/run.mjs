#!/usr/bin/env node
// Times `concord check` and `@graphql-inspector/cli` on the same generated schema and operations.
//   node run.mjs [--types 10000] [--operations 5000] [--rounds 3] [--limit SECONDS] [--concord PATH]
// Inspector runs `diff`, then `validate` of the operations against the new schema: the part of ours
// that it has. `npm ci` here first, or pass --no-inspector. What takes longer than the limit (120) is
// ended, and not tried again.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const option = (name, fallback) => { const i = process.argv.indexOf(`--${name}`); return i < 0 ? fallback : process.argv[i + 1]; };
const types = Number(option('types', 10000)), operations = Number(option('operations', 5000)), rounds = Number(option('rounds', 3)), limit = Number(option('limit', 120));
const here = new URL('.', import.meta.url).pathname;
const concord = option('concord', join(here, '../../target/release/concord'));
const folder = mkdtempSync(join(tmpdir(), 'check-bench-'));

const type = (i, change) => `"""Type ${i}."""\ntype T${i} implements Node {\n  id: ID!\n  name${change && i % 500 === 7 ? 'New' : ''}: String\n  size(unit: Unit = METRE): Float\n  next(first: Int = 10, where: Filter): [T${(i + 1) % types}!]!\n  other: T${(i * 7 + 3) % types}\n  state: State!\n${change && i % 100 === 3 ? '  added: Int\n' : ''}}\n`;
const schema = (change) => `type Query {\n${Array.from({ length: types }, (_, i) => `  t${i}(id: ID!): T${i}`).join('\n')}\n}\ninterface Node { id: ID! }\nenum Unit { METRE FOOT }\nenum State { NEW OLD${change ? '' : ' GONE'} }\ninput Filter { name: String size: Float }\n${Array.from({ length: types }, (_, i) => type(i, change)).join('')}`;
writeFileSync(join(folder, 'old.graphql'), schema(false));
writeFileSync(join(folder, 'new.graphql'), schema(true));
mkdirSync(join(folder, 'operations'));
for (let i = 0; i < operations; i++) {
  const t = (i * 13) % types, n = (t + 1) % types;
  writeFileSync(join(folder, 'operations', `q${i}.graphql`), `query Q${i}($id: ID!, $first: Int = 5) { t${t}(id: $id) { id name size(unit: FOOT) next(first: $first, where: {name: "x"}) { ...F${i} } other { id state } } }\nfragment F${i} on T${n} { id state next { id name } }\n`);
}
const time = (command, args) => {
  const began = process.hrtime.bigint();
  const ran = spawnSync(command, args, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 30, timeout: limit * 1000 });
  return { seconds: Number(process.hrtime.bigint() - began) / 1e9, status: ran.status, out: ran.stdout, err: ran.stderr };
};
const best = (name, command, args) => {
  const runs = [];
  do runs.push(time(command, args)); while (runs.length < rounds && runs.at(-1).status !== null);
  const last = runs.at(-1);
  if (last.status === null) {
    console.log(`${name.padEnd(46)} more than ${limit} s`);
    return last;
  }
  const seconds = runs.map((run) => run.seconds).sort((a, b) => a - b);
  console.log(`${name.padEnd(46)} best ${seconds[0].toFixed(2)} s, median ${seconds[Math.floor(rounds / 2)].toFixed(2)} s, exit ${last.status}`);
  return last;
};
console.log(`${types} types, ${operations} operations, ${rounds} rounds`);
best('concord check (diff only)', concord, ['check', '--base', 'old.graphql', '--head', 'new.graphql']);
const full = best('concord check (diff, operations, who breaks)', concord, ['check', '--base', 'old.graphql', '--head', 'new.graphql', '--operations', 'operations/*.graphql']);
console.log('  ' + full.out.trim().split('\n').at(-1));
const inspector = join(here, 'node_modules/.bin/graphql-inspector');
if (!process.argv.includes('--no-inspector') && existsSync(inspector)) {
  best('graphql-inspector diff', inspector, ['diff', 'old.graphql', 'new.graphql']);
  best('graphql-inspector validate (operations)', inspector, ['validate', 'operations/*.graphql', 'new.graphql', '--silent']);
}
rmSync(folder, { recursive: true });
