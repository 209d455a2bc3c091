// The browser's storage, or the page's memory where the browser allows none.

/** Gives a small store of JSON values over `localStorage` or `sessionStorage`. */
function over(name) {
  const memory = new Map();
  const attempt = (action) => {
    try {
      return action(window[name]);
    } catch {
      return undefined;
    }
  };
  return {
    read(key) {
      const text = attempt((storage) => storage.getItem(key)) ?? memory.get(key);
      try {
        return text ? JSON.parse(text) : undefined;
      } catch {
        return undefined;
      }
    },
    write(key, value) {
      const text = JSON.stringify(value);
      memory.set(key, text);
      attempt((storage) => storage.setItem(key, text));
    },
    remove(key) {
      memory.delete(key);
      attempt((storage) => storage.removeItem(key));
    },
  };
}

/** What all pages of this browser share. */
export const shared = over('localStorage');
/** What this page keeps when it is loaded anew. */
export const own = over('sessionStorage');

/** Gives an identifier that nobody else has; for requests, keys and messages. */
export function unique() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
