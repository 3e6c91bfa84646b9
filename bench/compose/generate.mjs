// Makes a graph of N subgraphs in a folder: node generate.mjs N FOLDER.
// Every subgraph owns 30 entities; each entity has fields in two more subgraphs, every third has a
// second key, every fifth field set is nested. Ten neighbours share value types, enums and inputs.
// 40 types for each subgraph: 500 subgraphs are 20,000 types.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ENTITIES = 30;
const LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@external", "@requires", "@tag"])\n';

export function generate(count) {
  const bodies = Array.from({ length: count }, () => []);
  const queries = Array.from({ length: count }, () => []);
  const total = count * ENTITIES;
  const keys = (index) => `@key(fields: "id")${index % 3 === 0 ? ' @key(fields: "sku region { code }")' : ''}`;
  const keyFields = (index) => `  id: ID!\n${index % 3 === 0 ? `  sku: String! @shareable\n  region: Region${Math.floor(index / ENTITIES)}! @shareable\n` : ''}`;
  for (let index = 0; index < total; index++) {
    const owner = Math.floor(index / ENTITIES);
    const others = new Set([(owner + 1 + (index % 7)) % count, (owner + 11 + (index % 13)) % count]);
    others.delete(owner);
    const group = Math.floor(owner / 10);
    bodies[owner].push(`type E${index} ${keys(index)} {\n${keyFields(index)}  name: String @tag(name: "t${index % 5}")\n  price(in: Filter${group}): Money${group}\n  weight: Int\n  next: E${(index + 1) % ENTITIES + owner * ENTITIES}\n  state: State${group}\n}`);
    queries[owner].push(`  e${index}(id: ID!): E${index}`);
    for (const other of others) {
      bodies[other].push(`type E${index} @key(fields: "id") {\n  id: ID!\n  weight: Int @external\n  from${other}: String @requires(fields: "weight")\n  linked${other}: E${other * ENTITIES + (index % ENTITIES)}\n}`);
    }
  }
  return bodies.map((types, subgraph) => {
    const group = Math.floor(subgraph / 10);
    const shared = `type Money${group} @shareable {\n  amount: Int!\n  currency: String!\n}\n\nenum State${group} {\n  NEW\n  USED\n  SOLD\n}\n\ninput Filter${group} {\n  currency: String\n  at: State${group}\n}\n\ntype Region${subgraph} {\n  code: String! @shareable\n}\n\n${['A', 'B', 'C', 'D', 'F'].map((letter) => `type Value${letter}${subgraph} {\n  a: Int\n  b: [String!]\n  c: Money${group}\n}`).join('\n\n')}`;
    const values = ['A', 'B', 'C', 'D', 'F'].map((letter) => `  value${letter}${subgraph}: Value${letter}${subgraph}`).join('\n');
    return { name: `s${String(subgraph).padStart(3, '0')}`, sdl: `${LINK}\ntype Query {\n${queries[subgraph].join('\n')}\n${values}\n}\n\n${shared}\n\n${types.join('\n\n')}\n` };
  });
}

export function write(count, folder) {
  mkdirSync(folder, { recursive: true });
  const subgraphs = generate(count);
  for (const { name, sdl } of subgraphs) writeFileSync(join(folder, `${name}.graphql`), sdl);
  const entries = subgraphs.map(({ name }) => `  ${name}:\n    routing_url: http://${name}.example/graphql\n    schema:\n      file: ${name}.graphql\n`);
  writeFileSync(join(folder, 'supergraph.yaml'), `subgraphs:\n${entries.join('')}`);
}

if (process.argv[1] === import.meta.filename) write(Number(process.argv[2]), process.argv[3]);
