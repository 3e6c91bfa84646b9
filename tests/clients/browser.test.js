// GraphiQL in a real browser: no request leaves the machine, and a newcomer's first query works.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { gateway } from './marketplace.js';

let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
});
after(() => browser?.close());

test('GraphiQL loads from the gateway alone and runs a query', async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const elsewhere = [];
  const problems = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(gateway) && !/^(data|blob):/.test(request.url())) elsewhere.push(request.url());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  const query = '{ products(first: 2) { edges { node { sku ratingSummary { count } } } } }';
  await page.goto(`${gateway}/?query=${encodeURIComponent(query)}`);
  await page.locator('.graphiql-execute-button').click();
  await page.locator('.result-window', { hasText: 'ratingSummary' }).waitFor({ timeout: 30_000 });
  if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
  assert.deepEqual(elsewhere, []);
  assert.deepEqual(problems, []);
});

test('a mistake in the query is explained in the result', async () => {
  const page = await browser.newPage();
  await page.goto(`${gateway}/?query=${encodeURIComponent('{ products { nothing } }')}`);
  await page.locator('.graphiql-execute-button').click();
  await page.locator('.result-window', { hasText: 'GRAPHQL_VALIDATION_FAILED' }).waitFor({ timeout: 30_000 });
});
