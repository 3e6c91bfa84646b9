// Where the marketplace under test runs, and who can sign in to it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const gateway = process.env.GATEWAY ?? 'http://localhost:4000';
export const graphqlUrl = `${gateway}/graphql`;
export const concord = process.env.CONCORD ?? join(import.meta.dirname, '../../target/release/concord');
export const dataDir = process.env.DATA_DIR ?? join(import.meta.dirname, '../../data');

/** The first demo login of a role, e.g. 'CUSTOMER'. */
export function login(role) {
  const logins = JSON.parse(readFileSync(join(dataDir, 'demo-logins.json'), 'utf8'));
  const found = logins.find((entry) => entry.role === role);
  if (!found) throw new Error(`no ${role} in demo-logins.json`);
  return found;
}

/** Sends one operation with plain fetch. */
export async function send(query, { variables, token } = {}) {
  const response = await fetch(graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, ...(await response.json()) };
}

const tokens = new Map();

/** An access token of a role's demo login; one sign-in per role and run. */
export async function accessToken(role) {
  if (!tokens.has(role)) {
    const { email, password } = login(role);
    const { data, errors } = await send(
      `mutation SignIn($input: SessionCreateInput!) {
        sessionCreate(input: $input) { tokens { accessToken } errors { __typename ... on UserError { message } } }
      }`,
      { variables: { input: { email, password } } },
    );
    const token = data?.sessionCreate?.tokens?.accessToken;
    if (!token) throw new Error(`${role} cannot sign in: ${JSON.stringify(errors ?? data)}`);
    tokens.set(role, token);
  }
  return tokens.get(role);
}
