// Compares composers on generated graphs: node run.mjs [--sizes 10,100,500] [--concord FILE]
// Every composition is a process of its own: processor time (user and system) of the whole process,
// which other work on the machine hardly changes, wall-clock time, and peak memory.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { write } from './generate.mjs';

const skip = process.argv.includes('--concord-only');
const option = (name, fallback) => { const at = process.argv.indexOf(name); return at < 0 ? fallback : process.argv[at + 1]; };
const here = import.meta.dirname;
const concord = option('--concord', join(here, '../../target/release/concord'));
const limit = Number(option('--limit', 900)) * 1000;
const folder = mkdtempSync(join(tmpdir(), 'compose-bench-'));

function measure(command, args) {
  const report = join(folder, 'time');
  const started = performance.now();
  const ran = spawnSync('/usr/bin/time', ['-f', '%M %U %S', '-o', report, command, ...args], { encoding: 'utf8', maxBuffer: 2 ** 30, timeout: limit });
  const seconds = (performance.now() - started) / 1000;
  if (ran.status !== 0) return { failed: (ran.stderr || ran.error?.message || `signal ${ran.signal}`).slice(-200).trim() };
  const [memory, user, system] = readFileSync(report, 'utf8').trim().split('\n').pop().split(' ').map(Number);
  return { seconds, processor: user + system, memory: memory / 1024 };
}

/** The npm composers recurse along chains of types: they get all the stack that there is. */
const node = (composer, graph) => measure('bash', ['-c', 'ulimit -s unlimited; exec "$@"', 'bash', process.execPath, '--stack-size=400000', '--max-old-space-size=8000', join(here, 'compose.mjs'), composer, graph]);

console.log('| subgraphs | composer | processor time | wall-clock time | peak memory |\n|---|---|---|---|---|');
for (const size of option('--sizes', '10,100,500').split(',').map(Number)) {
  const graph = join(folder, String(size));
  write(size, graph);
  const rows = {
    concord: measure(concord, ['compose', '--config', join(graph, 'supergraph.yaml'), '-o', join(graph, 'out')]),
    ...(skip ? {} : { '@theguild/federation-composition': node('guild', graph), '@apollo/composition': node('apollo', graph) }),
  };
  for (const [name, row] of Object.entries(rows)) {
    if (row.failed) { console.log(`| ${size} | ${name} | failed: ${row.failed.replaceAll('\n', ' ')} | | |`); continue; }
    console.log(`| ${size} | ${name} | ${row.processor.toFixed(2)} s | ${row.seconds.toFixed(2)} s | ${row.memory.toFixed(0)} MB |`);
  }
}
rmSync(folder, { recursive: true });
