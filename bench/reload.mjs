#!/usr/bin/env node
// Times the local loop: from writing a schema file to the first answer of the changed schema.
//   node reload.mjs [--rounds 100] [--concord PATH]
// `concord dev` mocks the marketplace's three subgraphs; a field comes and goes, and a request after
// the other asks for it. The clock starts before the file is written.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const option = (name, fallback) => { const i = process.argv.indexOf(`--${name}`); return i < 0 ? fallback : process.argv[i + 1]; };
const root = new URL('..', import.meta.url).pathname;
const concord = option('concord', join(root, 'target/release/concord')), rounds = Number(option('rounds', 100));
const folder = mkdtempSync(join(tmpdir(), 'reload-bench-'));
const services = ['payments', 'reviews', 'users'];
for (const name of services) copyFileSync(join(root, `schema/${name}.graphql`), join(folder, `${name}.graphql`));
writeFileSync(join(folder, 'supergraph.yaml'), `subgraphs:\n${services.map((name) => `  ${name}: { routing_url: "http://localhost:1/${name}", schema: { file: ${name}.graphql } }\n`).join('')}`);
const before = readFileSync(join(folder, 'users.graphql'), 'utf8');
const after = `${before}\nextend type Query { newcomer: Int }\n`;

const dev = spawn(concord, ['dev', '--listen', '127.0.0.1:0', ...services.flatMap((name) => ['--mock', name])], { cwd: folder });
const address = await new Promise((resolve, reject) => {
  let log = '';
  dev.on('exit', () => reject(new Error(log)));
  dev.stderr.on('data', (chunk) => { const ready = (log += chunk).match(/GraphQL at (\S+),/); if (ready) resolve(ready[1]); });
});
const agent = new Agent({ keepAlive: true });
const known = () => new Promise((resolve, reject) => {
  const asked = request(address, { method: 'POST', agent, headers: { 'content-type': 'application/json' } }, (answer) => {
    let text = '';
    answer.on('data', (chunk) => { text += chunk; });
    answer.on('end', () => resolve(!('errors' in JSON.parse(text))));
  });
  asked.on('error', reject);
  asked.end('{"query":"{ newcomer }"}');
});
const times = [];
for (let round = 0; round < rounds; round++) {
  const there = round % 2 === 0;
  const began = process.hrtime.bigint();
  writeFileSync(join(folder, 'users.graphql'), there ? after : before);
  while (await known() !== there) await new Promise((resolve) => { setTimeout(resolve, 1); });
  times.push(Number(process.hrtime.bigint() - began) / 1e6);
}
times.sort((a, b) => a - b);
const at = (share) => times[Math.min(rounds - 1, Math.floor(rounds * share))].toFixed(0);
console.log(`${rounds} changes: fastest ${at(0)} ms, median ${at(0.5)} ms, p95 ${at(0.95)} ms, slowest ${at(1)} ms`);
agent.destroy();
dev.removeAllListeners('exit');
dev.kill('SIGTERM');
dev.on('exit', () => rmSync(folder, { recursive: true }));
