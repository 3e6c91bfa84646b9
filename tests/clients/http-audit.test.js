// The audits of the GraphQL over HTTP specification, as the `graphql-http` project wrote them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverAudits } from 'graphql-http';
import { graphqlUrl } from './marketplace.js';

for (const audit of serverAudits({ url: graphqlUrl, fetchFn: fetch })) {
  test(`${audit.id} ${audit.name}`, async () => {
    const result = await audit.fn();
    if (result.status === 'ok') return;
    // "notice" and "warn" stand for SHOULD and MAY; we hold SHOULD too.
    assert.equal(result.status, 'notice', `${result.status}: ${result.reason}`);
  });
}
