// The three services and our gateway, on the data of a marketplace that has been stopped. The test
// holds the key that signs passports, so that another gateway can say who is calling, too.
//
//   DATA_DIR   the marketplace's folder           BIN   the programs, default target/release
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { SignJWT, decodeJwt } from 'jose';
import { dataDir, login } from '../marketplace.js';

const bin = resolve(process.env.BIN ?? join(import.meta.dirname, '../../../target/release'));
const SIGN_IN = 'mutation ($input: SessionCreateInput!) { sessionCreate(input: $input) { tokens { accessToken } } }';

/** Starts a program and waits until it says where it listens. */
async function start(program, args, env) {
  const child = spawn(join(bin, program), args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((done) => { child.on('close', done); });
  const said = [];
  const address = await new Promise((found, fail) => {
    child.on('error', fail);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line);
        const [, port] = line.match(/127\.0\.0\.1:(\d+)/) ?? [];
        if (port) found(`http://127.0.0.1:${port}`);
      });
    }
    ended.then(() => fail(new Error(`${program} ended:\n${said.join('\n')}`)));
  });
  const stop = () => { child.kill('SIGTERM'); return ended; };
  return { address, stop };
}

export class Graph {
  #services = {};
  #folder = mkdtempSync(join(tmpdir(), 'concord-apollo-'));
  #key = generateKeyPairSync('ed25519').privateKey;
  #keyId;
  #gateway;
  /** Where services ask for the key: they are started before the gateway that publishes it. */
  #keys = createServer(async (request, response) => {
    const keys = await fetch(`${this.#gateway.address}/.well-known/jwks.json`);
    response.setHeader('content-type', 'application/json').end(await keys.text());
  });

  static async start() {
    const graph = new Graph();
    try {
      await graph.#start();
    } catch (error) {
      await graph.stop();
      throw error;
    }
    return graph;
  }

  async #start() {
    await new Promise((done) => { this.#keys.listen(0, '127.0.0.1', done); });
    const keys = `http://127.0.0.1:${this.#keys.address().port}/`;
    const service = async (name, env) => {
      const database = `sqlite://${join(resolve(dataDir), `${name}.sqlite`)}?mode=rw`;
      this.#services[name] = await start(name, ['serve', '--listen', '127.0.0.1:0', '--database', database], { [`${name.toUpperCase()}__PASSPORT__JWKS_URL`]: keys, ...env });
    };
    await service('users', { USERS__PEERS__REVIEWS_URL: '', USERS__PEERS__PAYMENTS_URL: '' });
    await service('reviews', { REVIEWS__PEERS__USERS_URL: '', REVIEWS__PEERS__PAYMENTS_URL: '' });
    await service('payments', { PAYMENTS__USERS_URL: this.#services.users.address });

    writeFileSync(join(this.#folder, 'key.pem'), this.#key.export({ type: 'pkcs8', format: 'pem' }));
    const named = Object.fromEntries(Object.keys(this.#services).map((name) => [name, { url: this.url(name) }]));
    const config = {
      passport: { enabled: true, key_file: join(this.#folder, 'key.pem') },
      authentication: { jwks: [{ url: `${this.#services.users.address}/.well-known/jwks.json`, audiences: ['concord'] }] },
      subgraphs: { named },
    };
    // JSON is YAML.
    writeFileSync(join(this.#folder, 'concord.yaml'), JSON.stringify(config));
    const supergraph = join(import.meta.dirname, '../../../schema/supergraph.graphql');
    this.#gateway = await start('concord', ['serve', '--supergraph', supergraph, '--listen', '127.0.0.1:0', '--config', join(this.#folder, 'concord.yaml')]);
    const published = await (await fetch(`${this.#gateway.address}/.well-known/jwks.json`)).json();
    this.#keyId = published.keys[0].kid;
  }

  async stop() {
    for (const running of [this.#gateway, ...Object.values(this.#services)]) await running?.stop();
    await new Promise((done) => { this.#keys.close(done); });
    rmSync(this.#folder, { recursive: true });
  }

  /** Where a service answers GraphQL. */
  url(name) {
    return `${this.#services[name].address}/graphql`;
  }

  /** What our gateway answers. */
  async ask(query, variables, token) {
    const response = await fetch(`${this.#gateway.address}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await response.json();
    assert.equal(errors, undefined, JSON.stringify(errors));
    return data;
  }

  /** The access token of a demo login. */
  async signIn(role) {
    const { email, password } = login(role);
    const { sessionCreate } = await this.ask(SIGN_IN, { input: { email, password } });
    return sessionCreate.tokens.accessToken;
  }

  /** Says to one service what an access token says to a gateway. */
  passport(service, token) {
    const { sub, sid, scope, roles, amr, auth_time, gen } = decodeJwt(token);
    return new SignJWT({ sub, sid, scope, roles, amr, auth_time, gen })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'passport+jwt', kid: this.#keyId })
      .setIssuer('concord-gateway')
      .setAudience(service)
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(this.#key);
  }
}
