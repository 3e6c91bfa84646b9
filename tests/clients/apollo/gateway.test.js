// Apollo Gateway loads our supergraph and answers the reference operations as our gateway does.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { composeServices } from '@apollo/composition';
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { parse } from 'graphql';
import { Graph } from './graph.js';

const root = join(import.meta.dirname, '../../..');
const read = (name) => readFileSync(join(root, name), 'utf8');
const supergraph = read('schema/supergraph.graphql');
const range = { from: '2026-01-01T00:00:00.000Z', to: '2026-11-01T00:00:00.000Z' };

let graph;
let apollo;
before(async () => {
  graph = await Graph.start();
  apollo = await load(withoutScopes(supergraph));
});
after(async () => {
  await apollo?.gateway.stop();
  await graph?.stop();
});

/** Apollo Gateway, at the services of the graph. */
async function load(supergraphSdl) {
  const gateway = new ApolloGateway({
    supergraphSdl,
    buildService: ({ name }) => new RemoteGraphQLDataSource({
      url: graph.url(name),
      willSendRequest: async ({ request, context }) => {
        request.http.headers.set('x-concord-passport', await graph.passport(name, context.token));
      },
    }),
  });
  return { gateway, ...(await gateway.load()) };
}

/** Scopes are enforced by Apollo's router, not by Apollo Gateway, which therefore refuses to start with them. */
function withoutScopes(sdl) {
  const changed = sdl.replace(/(specs\.apollo\.dev\/requiresScopes\/v0\.1"), for: SECURITY/, '$1');
  assert.notEqual(changed, sdl);
  return changed;
}

/** What Apollo Gateway answers. */
async function ask(query, variables, token) {
  const { data, errors } = await apollo.executor({
    request: { query, variables },
    document: parse(query),
    operationName: null,
    queryHash: query,
    schema: apollo.schema,
    context: { token },
    logger: console,
    metrics: {},
  });
  assert.equal(errors, undefined, JSON.stringify(errors));
  return JSON.parse(JSON.stringify(data));
}

test('scopes are all that it refuses, whoever composed', async () => {
  const services = ['payments', 'reviews', 'users'].map((name) => ({ name, url: graph.url(name), typeDefs: parse(read(`schema/${name}.graphql`)) }));
  const theirs = composeServices(services);
  assert.equal(theirs.errors, undefined);
  for (const sdl of [supergraph, theirs.supergraphSdl]) await assert.rejects(load(sdl), /requiresScopes\/v0\.1 is for: SECURITY but is unsupported/);
});

test('the seven reference operations have the same data', async () => {
  const token = await graph.signIn('CUSTOMER');
  const { product } = await graph.ask('{ product(sku: "KIT-004") { id } }', {}, token);
  const { me } = await graph.ask('{ me { rides(first: 1) { edges { node { id } } } } }', {}, token);
  const operations = [
    ['product-page', { sku: 'KIT-004' }, token],
    ['reviewers', { id: product.id }, token],
    ['eligibility', { id: product.id }, token],
    ['my-payments', {}, token],
    ['ride', { id: me.rides.edges[0].node.id }, token],
    ['latest-reviews', {}, token],
    ['analytics', { range, currency: 'EUR' }, await graph.signIn('ADMIN')],
  ];
  for (const [name, variables, caller] of operations) {
    const query = read(`tests/operations/${name}.graphql`);
    const ours = await graph.ask(query, variables, caller);
    assert.deepEqual(await ask(query, variables, caller), ours, name);
    assert.ok(Object.values(ours).every((value) => value !== null), name);
  }
});
