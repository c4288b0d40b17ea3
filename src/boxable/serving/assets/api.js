/** Calls to the server. Errors have the text that the server gave. */

let key = sessionStorage.getItem("key") ?? "";

export class KeyNeeded extends Error {}

export function useKey(value) {
  key = value;
  sessionStorage.setItem("key", value);
}

async function call(path, options = {}) {
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch {
    throw new Error("The server does not answer. Try again.");
  }
  if (answer.status === 401) throw new KeyNeeded(key ? "This key is not accepted." : "This server needs a key.");
  const content = await answer.json().catch(() => ({}));
  if (answer.status === 503) throw new Error("The server is busy. Try again in a moment.");
  if (!answer.ok) throw new Error(content.detail ?? content.error ?? `The server answered ${answer.status}.`);
  return content;
}

export const models = async () => (await call("/v1/models")).models;
export const classes = async (model) => (await call(`/v1/classes?model=${encodeURIComponent(model)}`)).classes;

/** Detect in a file or blob, down to a low score: the page filters by itself. */
export const detect = (image, model, minScore) =>
  call(`/v1/detect?model=${encodeURIComponent(model)}&min_score=${minScore}`, { method: "POST", body: image });
