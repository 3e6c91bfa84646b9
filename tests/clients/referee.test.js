// An independent composer agrees with ours on the marketplace's subgraphs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { composeServices, transformSupergraphToPublicSchema } from '@theguild/federation-composition';
import { buildASTSchema, lexicographicSortSchema, parse, printSchema } from 'graphql';

const schema = join(import.meta.dirname, '../../schema');
const read = (name) => readFileSync(join(schema, name), 'utf8');

test('the referee composes the marketplace to the same API schema', () => {
  const services = ['payments', 'reviews', 'users'].map((name) => ({
    name,
    url: `http://localhost/${name}`,
    typeDefs: parse(read(`${name}.graphql`)),
  }));
  const { errors, supergraphSdl } = composeServices(services);
  assert.equal(errors, undefined);
  const theirs = transformSupergraphToPublicSchema(parse(supergraphSdl));
  const ours = parse(read('api.graphql'));
  assert.equal(normal(ours), normal(theirs));
});

test('the referee reads our supergraph to the same API schema', () => {
  const theirs = transformSupergraphToPublicSchema(parse(read('supergraph.graphql')));
  assert.equal(normal(parse(read('api.graphql'))), normal(theirs));
});

/** Sorted and without descriptions, so that only meaning counts. */
function normal(document) {
  const text = printSchema(lexicographicSortSchema(buildASTSchema(stripDescriptions(document))));
  return text.trim();
}

function stripDescriptions(document) {
  return JSON.parse(JSON.stringify(document, (key, value) => (key === 'description' || key === 'loc' ? undefined : value)));
}
