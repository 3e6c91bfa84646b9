// What other people's libraries make of our tokens, keys, codes and mails.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, verify } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { allowInsecureRequests, discovery } from 'openid-client';
import { URI } from 'otpauth';
import { SMTPServer } from 'smtp-server';
import { accessToken, send } from './marketplace.js';

const users = process.env.USERS ?? 'http://localhost:4001';
const usersBinary = process.env.USERS_BIN ?? join(import.meta.dirname, '../../target/release/users');
const PASSPHRASE = 'sundial otter violet quarry';

test('jose verifies an access token with the published keys', async () => {
  const token = await accessToken('CUSTOMER');
  const keys = createRemoteJWKSet(new URL(`${users}/.well-known/jwks.json`));
  const { payload, protectedHeader } = await jwtVerify(token, keys, { audience: 'concord', typ: 'at+jwt' });
  assert.equal(protectedHeader.alg, 'EdDSA');
  for (const claim of ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti']) assert.ok(payload[claim], claim);
  const tampered = `${token.slice(0, -6)}AAAAAA`;
  await assert.rejects(jwtVerify(tampered, keys, { audience: 'concord' }));
});

test('an OpenID client reads the discovery document', async () => {
  const config = await discovery(new URL(users), 'concord', undefined, undefined, { execute: [allowInsecureRequests] });
  const metadata = config.serverMetadata();
  assert.equal(new URL(metadata.issuer).port, new URL(users).port);
  const { keys } = await (await fetch(metadata.jwks_uri)).json();
  assert.ok(keys.length > 0);
  const answer = await fetch(metadata.introspection_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('gateway:development').toString('base64')}` },
    body: new URLSearchParams({ token: await accessToken('CUSTOMER') }),
  });
  assert.equal((await answer.json()).active, true);
});

/** A new person who is signed in. */
async function register() {
  const email = `otp.${Date.now()}@example.com`;
  const input = { email, password: PASSPHRASE, displayName: 'Otto Pin' };
  await send('mutation ($input: UserRegisterInput!) { userRegister(input: $input) { accepted } }', { variables: { input } });
  let mails = [];
  while (mails.length === 0) mails = await (await fetch(`${users}/dev/inbox.json?to=${encodeURIComponent(email)}`)).json();
  const [, token] = mails[0].text.match(/\?token=([\w.-]+)/);
  await send('mutation ($token: String!) { userVerifyEmail(token: $token) { user { id } } }', { variables: { token } });
  return email;
}

const SIGN_IN = `mutation ($input: SessionCreateInput!) {
  sessionCreate(input: $input) { tokens { accessToken } mfaChallenge { token methods } errors { __typename } }
}`;

test('codes of an independent authenticator sign in, once each', async () => {
  const email = await register();
  const variables = { input: { email, password: PASSPHRASE } };
  const first = await send(SIGN_IN, { variables });
  const token = first.data.sessionCreate.tokens.accessToken;
  const enrolled = await send('mutation { totpEnroll { otpauthUri } }', { token });
  const totp = URI.parse(enrolled.data.totpEnroll.otpauthUri);
  const earlier = totp.generate({ timestamp: Date.now() - 30_000 });
  const confirmed = await send('mutation ($code: String!) { totpConfirm(code: $code) { recoveryCodes errors { __typename } } }', { token, variables: { code: earlier } });
  assert.equal(confirmed.data.totpConfirm.recoveryCodes.length, 10);
  const complete = async (code) => {
    const { data } = await send(SIGN_IN, { variables });
    const { token: challengeToken } = data.sessionCreate.mfaChallenge;
    const input = { challengeToken, method: 'TOTP', code };
    const answer = await send('mutation ($input: SessionCompleteMfaInput!) { sessionCompleteMfa(input: $input) { tokens { accessToken } } }', { variables: { input } });
    return answer.data.sessionCompleteMfa.tokens?.accessToken;
  };
  const code = totp.generate();
  assert.ok(await complete(code));
  assert.equal(await complete(code), undefined, 'a code works once');
});

/** RFC 6376, relaxed/relaxed, written from the standard. */
function dkimHolds(raw, publicKey) {
  const [head, ...rest] = raw.split('\r\n\r\n');
  const relaxed = (field) => {
    const colon = field.indexOf(':');
    return `${field.slice(0, colon).trim().toLowerCase()}:${field.slice(colon + 1).replace(/\s+/g, ' ').trim()}`;
  };
  const fields = head.split(/\r\n(?![ \t])/);
  const signature = fields.find((field) => /^dkim-signature:/i.test(field));
  const tags = Object.fromEntries(signature.slice(signature.indexOf(':') + 1).split(';').map((tag) => {
    const at = tag.indexOf('=');
    return [tag.slice(0, at).trim(), tag.slice(at + 1).replace(/\s/g, '')];
  }));
  const body = `${rest.join('\r\n\r\n').replace(/[ \t]+/g, ' ').replace(/ \r\n/g, '\r\n').replace(/(\r\n)*$/, '')}\r\n`;
  assert.equal(tags.bh, createHash('sha256').update(body).digest('base64'), 'body hash');
  const left = fields.filter((field) => field !== signature);
  const signed = tags.h.split(':').flatMap((name) => {
    const at = left.findLastIndex((field) => field.toLowerCase().startsWith(`${name}:`));
    return at < 0 ? [] : left.splice(at, 1).map((field) => `${relaxed(field)}\r\n`);
  });
  const unsigned = relaxed(signature.replace(/b=[^;=]*=*\s*$/s, 'b='));
  const hash = createHash('sha256').update(signed.join('') + unsigned).digest();
  return verify(null, hash, publicKey, Buffer.from(tags.b, 'base64'));
}

test('an SMTP server receives our mail, signed', { skip: !existsSync(usersBinary) && 'the users binary is not built' }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'concord-mail-'));
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(join(folder, 'dkim.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  let received;
  const arrived = new Promise((resolve) => { received = resolve; });
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData(stream, session, done) {
      const chunks = [];
      stream.on('data', (chunk) => chunks.push(chunk));
      stream.on('end', () => { received({ raw: Buffer.concat(chunks).toString(), to: session.envelope.rcptTo }); done(); });
    },
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const env = {
    ...process.env,
    USERS__MAIL__TRANSPORT: 'smtp',
    USERS__MAIL__FROM: 'Concord <no-reply@mail.example>',
    USERS__MAIL__SMTP__HOST: '127.0.0.1',
    USERS__MAIL__SMTP__PORT: String(server.server.address().port),
    USERS__MAIL__SMTP__SECURITY: 'plaintext',
    USERS__MAIL__DKIM__SELECTOR: 'test',
    USERS__MAIL__DKIM__KEY_FILE: join(folder, 'dkim.pem'),
    USERS__PEERS__REVIEWS_URL: '',
    USERS__PEERS__PAYMENTS_URL: '',
  };
  const database = ['--database', `sqlite://${join(folder, 'users.sqlite')}?mode=rwc`];
  const created = spawnSync(usersBinary, ['admin', 'create', 'root@example.org', '--name', 'Grace H', ...database], { env, encoding: 'utf8' });
  assert.equal(created.status, 0, created.stderr);
  const service = spawn(usersBinary, ['serve', '--listen', '127.0.0.1:0', ...database], { env, stdio: 'ignore' });
  try {
    const { raw, to } = await arrived;
    assert.equal(to[0].address, 'root@example.org');
    assert.match(raw, /^Message-ID: <[0-9a-f-]{36}@mail\.example>\r$/m);
    assert.match(raw, /^Auto-Submitted: auto-generated\r$/m);
    assert.ok(dkimHolds(raw, publicKey), 'the signature verifies');
  } finally {
    const ended = new Promise((resolve) => { service.on('exit', resolve); });
    service.kill('SIGTERM');
    await ended;
    await new Promise((resolve) => { server.close(resolve); });
    rmSync(folder, { recursive: true });
  }
});
