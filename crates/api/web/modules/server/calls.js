// One HTTP call, and what the server says when it refuses.

/** A call without an answer is given up after this long, in milliseconds. */
const CALL_MS = 30_000;

/** A refusal, or a server that did not answer (then without a status). */
export class Problem extends Error {
  constructor(detail, { status, code, retryAfterMs } = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Makes a call and gives what the answer holds; a POST with the same key is carried out once. */
export async function call(method, path, { token, body, key } = {}) {
  const headers = new Headers();
  if (token) headers.set('Authorization', `Bearer ${token}`);
  if (body) headers.set('Content-Type', 'application/json');
  if (key) headers.set('Idempotency-Key', key);
  const answer = await reached(path, { method, headers, body: body && JSON.stringify(body) });
  if (answer.ok) return answer.status === 204 ? undefined : read(answer);
  const problem = await answer.json().catch(() => ({}));
  const seconds = Number(answer.headers.get('Retry-After')) || undefined;
  throw new Problem(problem.detail ?? `The server answered with status ${answer.status}.`, {
    status: answer.status,
    code: problem.code,
    retryAfterMs: seconds && seconds * 1000,
  });
}

/** Puts a path together from segments that may hold any character. */
export function path(...segments) {
  return `/api/${segments.map(encodeURIComponent).join('/')}`;
}

async function reached(url, request) {
  try {
    return await fetch(url, { ...request, signal: AbortSignal.timeout(CALL_MS) });
  } catch {
    throw new Problem('The server cannot be reached.');
  }
}

async function read(answer) {
  try {
    return await answer.json();
  } catch {
    throw new Problem('The server’s answer cannot be read.');
  }
}
