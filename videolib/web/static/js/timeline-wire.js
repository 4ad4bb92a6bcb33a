// Writes to the API from pages of the studio: JSON with the token of the page, and the revision that was read.

/** A name of its own for something new, so that a request that is repeated is known to be the same. */
export const newName = () => `urn:videolib:desk:${Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16)).join('-')}`;

/** @returns {Promise<Response>} @throws TypeError where the server is not reached */
export function request(method, url, body, revision) {
  const token = document.querySelector('meta[name="csrf-token"]').content;
  const headers = { Accept: 'application/json', 'X-CSRFToken': token };
  if (body) headers['Content-Type'] = 'application/json';
  if (revision !== null && revision !== undefined) headers['If-Match'] = `"${revision}"`;
  return fetch(url, { method, headers, body: body ? JSON.stringify(body) : null, credentials: 'same-origin', cache: 'no-store' });
}

/** The error to throw for an answer that no decision of the editor's mends: its `state` says what to tell them. */
export function refusalOf(response, problem) {
  const isOut = response.status === 401 || problem.code === 'csrf';
  return Object.assign(new Error(`the library answered ${response.status}`), { state: isOut ? 'signedOut' : 'offline' });
}
