// Compares how many subgraph requests our plans take with those of Apollo Gateway's planner, on
// the random graphs and operations that the differential oracle has written down:
//
//   CONCORD_DIFFERENTIAL_EXPORT=$PWD/target/asked.jsonl cargo test -p concord-executor --test federated generated
//   cd tests/clients && npm run test:requests -- ../../target/asked.jsonl
//
// Counted are the fetches of the plans, as if there were data for every one; the operations have
// no conditions. Less waiting goes before fewer requests, so a plan of ours is worse if it has more
// waves, or as many with more requests. The exit code is 1 if any is for a reason not listed in
// `liberties`: what the other planner takes for granted and ours does not.
// `--operations N` looks at so many only, `--all` prints whatever differs.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Supergraph, operationFromDocument } from '@apollo/federation-internals';
import { QueryPlanner, prettyFormatQueryPlan } from '@apollo/query-planner';
import { parse } from 'graphql';

const { values: options, positionals: [file] } = parseArgs({
  allowPositionals: true,
  options: { operations: { type: 'string', default: 'Infinity' }, all: { type: 'boolean', default: false } },
});
if (!file) {
  console.error('usage: npm run test:requests -- FILE [--operations N] [--all]');
  process.exit(2);
}

/** How many fetches a plan has, and how many wait for each other. */
function size(node) {
  switch (node?.kind) {
    case undefined: return { requests: 0, waves: 0 };
    case 'Fetch': return { requests: 1, waves: 1 };
    case 'Flatten': return size(node.node);
    case 'Sequence':
    case 'Parallel': {
      const parts = node.nodes.map(size);
      const waves = parts.map((part) => part.waves);
      return {
        requests: parts.reduce((sum, part) => sum + part.requests, 0),
        waves: node.kind === 'Parallel' ? Math.max(...waves) : waves.reduce((sum, part) => sum + part, 0),
      };
    }
    default: throw new Error(`unknown plan node ${node.kind}`);
  }
}

/** The fetches of a plan in the order in which they start, each with its path. */
function fetches(node, path = []) {
  if (node?.kind === 'Fetch') return [{ ...node, path }];
  if (node?.kind === 'Flatten') return fetches(node.node, node.path);
  return (node?.nodes ?? []).flatMap((child) => fetches(child, path));
}

const rootKeys = (fetch) => parse(fetch.operation).definitions[0].selectionSet.selections
  .map((field) => (field.alias ?? field.name).value);

const liberties = {
  /** A field of a mutation runs before all that an earlier one causes has ended. */
  'mutation fields out of order': ({ theirs, asked }) => {
    if (asked.kind !== 'mutation') return false;
    let last = 0;
    return theirs.flatMap((fetch) => (fetch.path.length ? [fetch.path[0]] : rootKeys(fetch))).some((key) => {
      const place = asked.keys.indexOf(key);
      const late = place < last;
      last = Math.max(last, place);
      return late;
    });
  },
  /** Lists from two subgraphs are taken to have the same objects in the same order, though these have keys. */
  'lists of entities merged by index': ({ theirs, asked }) => {
    const keys = theirs.filter((fetch) => !fetch.path.length).flatMap(rootKeys);
    return keys.some((key, place) => keys.indexOf(key) < place && asked.lists.has(key));
  },
  /** A field is selected in a subgraph that has it as external, on a way that does not provide it. */
  'external fields that nobody provides': ({ theirs, joins }) => theirs.some((fetch) => {
    const found = (selections, type, provided) => selections.some((selection) => {
      if (selection.kind === 'InlineFragment') return found(selection.selectionSet.selections, selection.typeCondition?.name.value ?? type, provided);
      const name = selection.name.value;
      const join = joins.get(`${fetch.serviceName}.${type}.${name}`);
      if (join?.external && !provided.some((path) => path.length === 1 && path[0] === name)) return true;
      const below = provided.filter(([first]) => first === name).map(([, ...rest]) => rest).filter((path) => path.length);
      return selection.selectionSet !== undefined
        && found(selection.selectionSet.selections, join?.type, [...below, ...join?.provides ?? []]);
    });
    const { operation, selectionSet } = parse(fetch.operation).definitions[0];
    return found(selectionSet.selections, operation === 'mutation' ? 'Mutation' : 'Query', []);
  }),
};
const taken = new Map();

/** The names in a field set, each as the way to it. */
function ways(set) {
  const walk = (selections) => selections.flatMap((selection) => {
    const below = selection.selectionSet ? walk(selection.selectionSet.selections) : [];
    return selection.kind === 'Field' ? [[selection.name.value], ...below.map((way) => [selection.name.value, ...way])] : below;
  });
  return walk(parse(`{ ${set} }`).definitions[0].selectionSet.selections);
}

/** What the supergraph says of `subgraph.Type.field`: its type, whether it is external, what it provides. */
function readJoins(sdl) {
  const names = new Map([...sdl.matchAll(/^ *(\w+) @join__graph\(name: "([^"]*)"/gm)].map(([, id, name]) => [id, name]));
  const joins = new Map();
  let parent;
  for (const line of sdl.split('\n')) {
    parent = line.match(/^(?:type|interface) (\w+)/)?.[1] ?? parent;
    const [, field, type, marks] = line.match(/^  (\w+)(?:\(.*?\))?: ([^@]*?) *((?:@join__field.*)?)$/) ?? [];
    if (!field) continue;
    const named = { type: type.replaceAll(/[[\]!]/g, ''), external: false, provides: [] };
    for (const name of names.values()) joins.set(`${name}.${parent}.${field}`, named);
    for (const mark of marks.split('@join__field').slice(1)) {
      const provides = mark.match(/provides: "((?:[^"\\]|\\.)*)"/)?.[1].replaceAll('\\"', '"');
      const external = mark.includes('external: true');
      joins.set(`${names.get(mark.match(/graph: (\w+)/)?.[1])}.${parent}.${field}`, { ...named, external, provides: provides ? ways(provides) : [] });
    }
  }
  return joins;
}

/** The root fields of an operation. */
function readAsked(operation, document) {
  const keys = [];
  const lists = new Set();
  const type = operation.selectionSet.parentType;
  const fields = (selections) => {
    for (const selection of selections) {
      if (selection.kind === 'Field') {
        const key = (selection.alias ?? selection.name).value;
        if (!keys.includes(key)) keys.push(key);
        if (type.field(selection.name.value)?.type?.toString().includes('[')) lists.add(key);
      } else {
        const below = selection.selectionSet
          ?? document.definitions.find((one) => one.kind === 'FragmentDefinition' && one.name.value === selection.name.value).selectionSet;
        fields(below.selections);
      }
    }
  };
  fields(document.definitions.find((one) => one.kind === 'OperationDefinition').selectionSet.selections);
  return { kind: operation.rootKind, keys, lists };
}

const count = { operations: 0, fewer: 0, same: 0, more: 0, shallower: 0, worse: 0, ours: 0, theirs: 0 };
const refused = new Map();

/** Notes what the other planner cannot do; neither side gains by it. */
function refuse(error) {
  const reason = String(error.message).split('\n')[0].replaceAll(/\d+/g, '#').slice(0, 100);
  refused.set(reason, (refused.get(reason) ?? 0) + 1);
}

function compare({ seed, labels }, planner, supergraph, joins, { query, requests, waves, plan }) {
  let made;
  let operation;
  const document = parse(query);
  try {
    operation = operationFromDocument(supergraph.apiSchema(), document);
    const overrideConditions = new Map(['on', 'off'].map((label) => [label, labels.includes(label)]));
    made = planner.buildQueryPlan(operation, { overrideConditions });
  } catch (error) {
    refuse(error);
    return;
  }
  const theirs = size(made.node);
  count.operations += 1;
  count.ours += requests;
  count.theirs += theirs.requests;
  count[requests < theirs.requests ? 'fewer' : requests > theirs.requests ? 'more' : 'same'] += 1;
  if (waves < theirs.waves) count.shallower += 1;
  const worse = waves > theirs.waves || (waves === theirs.waves && requests > theirs.requests);
  const because = worse && Object.keys(liberties)
    .find((name) => liberties[name]({ theirs: fetches(made.node), asked: readAsked(operation, document), joins }));
  if (because) taken.set(because, (taken.get(because) ?? 0) + 1);
  if (worse && !because) count.worse += 1;
  if ((worse && !because) || (options.all && (requests !== theirs.requests || waves !== theirs.waves))) {
    console.log(`==== seed ${seed}: ${requests} of ours in ${waves} waves, ${theirs.requests} of theirs in ${theirs.waves}${worse ? `: worse, ${because ?? 'unexplained'}` : ''}`);
    console.log(`${query}\n---- ours\n${plan}\n---- theirs\n${prettyFormatQueryPlan(made)}`);
  }
}

for await (const line of createInterface({ input: createReadStream(file) })) {
  const graph = JSON.parse(line);
  if (count.operations >= Number(options.operations)) break;
  let supergraph;
  let planner;
  try {
    supergraph = Supergraph.build(graph.supergraph);
    planner = new QueryPlanner(supergraph);
  } catch (error) {
    refuse(error);
    continue;
  }
  const joins = readJoins(graph.supergraph);
  for (const operation of graph.operations) compare(graph, planner, supergraph, joins, operation);
}
for (const [reason, times] of refused) console.log(`passed over ${times} times: ${reason}`);
const share = (part) => `${((100 * part) / count.operations).toFixed(1)} %`;
for (const [because, times] of taken) console.log(`worse ${times} times: ${because}`);
console.log(`${count.operations} operations, ${count.ours} requests of ours, ${count.theirs} of theirs`);
console.log(`fewer requests in ${share(count.fewer)}, as many in ${share(count.same)}, more in ${share(count.more)}; fewer waves in ${share(count.shallower)}; worse for no such reason in ${count.worse}`);
process.exitCode = count.operations === 0 || count.worse > 0 ? 1 : 0;
