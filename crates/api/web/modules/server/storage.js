// The browser's storage, or the page's memory where the browser allows none.

const PROBE = 'chatapp.probe';

/** What all pages of this browser share. */
export const shared = over('localStorage');
/** What this page keeps when it is loaded anew. */
export const own = over('sessionStorage');

/** Gives an identifier that nobody else has; for requests, keys and messages. */
export function unique() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Gives a small store of JSON values. */
function over(name) {
  const storage = available(name) ?? memory();
  return {
    read(key) {
      try {
        return JSON.parse(storage.getItem(key)) ?? undefined;
      } catch {
        return undefined;
      }
    },
    write(key, value) {
      try {
        storage.setItem(key, JSON.stringify(value));
      } catch {
        // Full: what was there before stays.
      }
    },
    remove: (key) => storage.removeItem(key),
  };
}

function available(name) {
  try {
    window[name].setItem(PROBE, '');
    window[name].removeItem(PROBE);
    return window[name];
  } catch {
    return undefined;
  }
}

function memory() {
  const values = new Map();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => values.set(key, value),
    removeItem: (key) => values.delete(key),
  };
}
