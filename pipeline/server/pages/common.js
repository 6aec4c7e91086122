/** What both pages use: elements, requests and the key. */

const KEY = "preread.key";

/** An element. Strings among its children become text, never markup. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** A request without an answer. `kind` is the server's word, "unreachable" or "unreadable". */
export class Refusal extends Error {
  constructor(kind, message, { status = 0, retryAfterS = 0, requestId = "" } = {}) {
    super(message);
    Object.assign(this, { kind, status, retryAfterS, requestId });
  }
}

/** Request JSON from an address of this server; a body is sent by POST. */
export async function request(path, { body, signal } = {}) {
  const headers = { Accept: "application/json" };
  const key = storedKey();
  if (key) headers["X-API-Key"] = key;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const options = { headers, signal, cache: "no-store" };
  let reply, text;
  try {
    reply = await fetch(path, {
      ...options,
      method: body === undefined ? "GET" : "POST",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    text = await reply.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("unreachable", "");
  }
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Refusal("unreadable", "", { status: reply.status });
  }
  if (reply.ok) return content;
  const told = content.error ?? {};
  throw new Refusal(told.type ?? "unreadable", told.message ?? "", {
    status: reply.status,
    retryAfterS: Number(reply.headers.get("Retry-After")) || told.retry_after_s || 0,
    requestId: content.request_id ?? "",
  });
}

export function storedKey() {
  return read(sessionStorage, KEY) ?? "";
}

/** Keep a key until the tab is closed; an empty key removes it. False if it cannot be sent. */
export function storeKey(key) {
  try {
    new Headers({ "X-API-Key": key });
  } catch {
    return false;
  }
  write(sessionStorage, KEY, key);
  return true;
}

/** What is kept where the browser's storage is switched off. */
const unkept = new Map();

export function read(storage, name) {
  try {
    return storage.getItem(name);
  } catch {
    return unkept.get(name) ?? null;
  }
}

export function write(storage, name, value) {
  try {
    if (value) storage.setItem(name, value);
    else storage.removeItem(name);
  } catch {
    unkept.set(name, value || null);
  }
}
