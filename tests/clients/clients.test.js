// Two widespread GraphQL clients talk to the gateway as their documentation shows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApolloClient, ApolloError, HttpLink, InMemoryCache, gql } from '@apollo/client/core/index.js';
import { cacheExchange, createClient, fetchExchange } from '@urql/core';
import { accessToken, graphqlUrl, login } from './marketplace.js';

const FIRST_PRODUCTS = `
  query FirstProducts($count: Int!) {
    products(first: $count) {
      edges { node { id sku title price { decimal currency } ratingSummary { average count } } }
      pageInfo { hasNextPage endCursor }
    }
  }`;

function apollo(token) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  return new ApolloClient({ link: new HttpLink({ uri: graphqlUrl, headers }), cache: new InMemoryCache() });
}

test('Apollo Client reads a page across two services', async () => {
  const { data } = await apollo().query({ query: gql(FIRST_PRODUCTS), variables: { count: 5 } });
  assert.equal(data.products.edges.length, 5);
  for (const { node } of data.products.edges) {
    assert.match(node.id, /^prd_/);
    assert.ok(node.ratingSummary.count >= 0);
  }
});

test('Apollo Client normalises entities by __typename and id', async () => {
  const client = apollo();
  await client.query({ query: gql(FIRST_PRODUCTS), variables: { count: 3 } });
  const keys = Object.keys(client.cache.extract());
  assert.equal(keys.filter((key) => key.startsWith('Product:prd_')).length, 3);
});

test('Apollo Client signs in and sees its own account', async () => {
  const { email } = login('CUSTOMER');
  const client = apollo(await accessToken('CUSTOMER'));
  const { data } = await client.query({ query: gql`{ me { displayName account { email } } }` });
  assert.equal(data.me.account.email, email);
});

test('Apollo Client reports a validation error as such', async () => {
  const failed = apollo().query({ query: gql`{ products { nonsense } }` });
  await assert.rejects(failed, (error) => {
    assert.ok(error instanceof ApolloError);
    const codes = [...error.graphQLErrors, ...(error.networkError?.result?.errors ?? [])].map((each) => each.extensions?.code);
    assert.deepEqual(codes, ['GRAPHQL_VALIDATION_FAILED']);
    return true;
  });
});

test('urql reads the same page', async () => {
  const client = createClient({ url: graphqlUrl, exchanges: [cacheExchange, fetchExchange], preferGetMethod: false });
  const { data, error } = await client.query(FIRST_PRODUCTS, { count: 5 }).toPromise();
  assert.equal(error, undefined);
  assert.equal(data.products.edges.length, 5);
});

test('urql reads by GET', async () => {
  const client = createClient({ url: graphqlUrl, exchanges: [fetchExchange], preferGetMethod: 'force' });
  const { data, error } = await client.query(FIRST_PRODUCTS, { count: 2 }).toPromise();
  assert.equal(error, undefined);
  assert.equal(data.products.edges.length, 2);
});
