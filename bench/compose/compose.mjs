// One composition by an npm composer, in a process of its own: node compose.mjs apollo|guild FOLDER
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'graphql';

const [composer, folder] = process.argv.slice(2);
const { composeServices } = await import(composer === 'apollo' ? '@apollo/composition' : '@theguild/federation-composition');
const started = performance.now();
const services = readdirSync(folder).filter((file) => file.endsWith('.graphql')).sort().map((file) => {
  const name = file.replace('.graphql', '');
  return { name, url: `http://${name}.example/graphql`, typeDefs: parse(readFileSync(join(folder, file), 'utf8')) };
});
const { errors, supergraphSdl } = composeServices(services);
if (errors?.length) throw new Error(errors.slice(0, 3).map((error) => error.message).join('\n'));
console.log(JSON.stringify({ seconds: (performance.now() - started) / 1000, bytes: supergraphSdl.length }));
