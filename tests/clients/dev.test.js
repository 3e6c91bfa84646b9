// `concord dev` in a real browser: problems and hints above GraphiQL, the last good schema below.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { concord } from './marketplace.js';

const SHOP = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
type Query { kettle: Kettle }
"Boils water."
type Kettle @key(fields: "id") { id: ID! colour: String }
`;
const STOCK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
"Boils tea."
type Kettle @key(fields: "id") { id: ID! left: Int }
`;

const folder = mkdtempSync(join(tmpdir(), 'concord-dev-'));
const write = (file, text) => writeFileSync(join(folder, file), text);
let browser;
let dev;
let address;

before(async () => {
  write('shop.graphql', SHOP);
  write('stock.graphql', STOCK);
  write('supergraph.yaml', ['shop', 'stock'].reduce(
    (yaml, name) => `${yaml}  ${name}: { routing_url: "http://localhost:1/${name}", schema: { file: ${name}.graphql } }\n`,
    'subgraphs:\n',
  ));
  dev = spawn(concord, ['dev', '--mock', 'shop', '--mock', 'stock', '--listen', '127.0.0.1:0'], { cwd: folder });
  address = await new Promise((resolve, reject) => {
    let log = '';
    dev.on('exit', () => reject(new Error(log)));
    dev.stderr.on('data', (chunk) => {
      log += chunk;
      const ready = log.match(/GraphiQL at (\S+)\//);
      if (ready) resolve(ready[1]);
    });
  });
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update'],
  });
});
after(async () => {
  await browser?.close();
  if (dev?.exitCode === null) {
    const ended = new Promise((resolve) => { dev.on('exit', resolve); });
    dev.kill('SIGTERM');
    await ended;
  }
  rmSync(folder, { recursive: true });
});

test('problems and hints are shown, and a repaired schema is asked for again', async () => {
  const page = await browser.newPage();
  const failures = [];
  page.on('pageerror', (error) => failures.push(String(error)));
  const hints = page.locator('#hints');
  const problems = page.locator('#problems');
  await page.goto(`${address}/?query=${encodeURIComponent('{ kettle { colour left } }')}`);
  await hints.waitFor();
  await hints.locator('summary').click();
  assert.match(await hints.locator('pre').innerText(), /INCONSISTENT_DESCRIPTION/);
  assert.equal(await problems.isVisible(), false);

  write('stock.graphql', STOCK.replace('left: Int', 'left: Int colour: Int'));
  await problems.waitFor();
  assert.match(await problems.innerText(), /FIELD_TYPE_MISMATCH|INVALID_FIELD_SHARING/);
  if (process.env.SCREENSHOT_DEV) await page.screenshot({ path: process.env.SCREENSHOT_DEV });
  await page.locator('.graphiql-execute-button').click();
  await page.locator('.result-window', { hasText: '"colour"' }).waitFor();

  const introspected = page.waitForRequest((request) => request.postData()?.includes('__schema') ?? false);
  write('stock.graphql', STOCK.replace('Boils tea.', 'Boils water.').replace('left: Int', 'left: Int right: Int'));
  await problems.waitFor({ state: 'hidden' });
  await hints.waitFor({ state: 'hidden' });
  await introspected;
  assert.deepEqual(failures, []);
});
