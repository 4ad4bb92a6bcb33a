// <vl-passkey data-ask data-answer>: signs in by a passkey, or makes one (data-makes). Without it there are the other ways.
const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0));
const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');

function withBytes(options) {
  const keys = (list) => (list ?? []).map((key) => ({ ...key, id: toBytes(key.id) }));
  const found = { ...options, challenge: toBytes(options.challenge) };
  if (options.user) found.user = { ...options.user, id: toBytes(options.user.id) };
  if (options.excludeCredentials) found.excludeCredentials = keys(options.excludeCredentials);
  if (options.allowCredentials) found.allowCredentials = keys(options.allowCredentials);
  return found;
}

function asText(credential) {
  const response = {};
  for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  }
  return { id: credential.id, rawId: toText(credential.rawId), type: credential.type, response };
}

class Passkey extends HTMLElement {
  connectedCallback() {
    this.hidden = !window.PublicKeyCredential;
    this.said = this.querySelector('[role="alert"]');
    this.querySelector('button').addEventListener('click', () => this.go());
  }

  async send(url, body) {
    const token = document.querySelector('input[name="csrf_token"]')?.value;
    const headers = { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRFToken': token };
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.detail);
    return found;
  }

  async go() {
    this.said.textContent = '';
    try {
      const remember = Boolean(document.querySelector('input[name="remember"]')?.checked);
      const publicKey = withBytes(await this.send(this.dataset.ask, { next: this.dataset.next ?? '', remember }));
      const makes = 'makes' in this.dataset;
      const credential = makes
        ? await navigator.credentials.create({ publicKey })
        : await navigator.credentials.get({ publicKey });
      const name = this.querySelector('input')?.value ?? '';
      const kept = await this.send(this.dataset.answer, { credential: asText(credential), name });
      // with the first key of an account its recovery codes are made and shown
      if (kept.needs_codes) this.querySelector('form').submit();
      else window.location.assign(kept.next);
    } catch (error) {
      // what the browser itself says is of no use to people: "the operation either timed out or was not allowed"
      this.said.textContent = error instanceof DOMException ? this.dataset.failed : error.message || this.dataset.failed;
    }
  }
}

customElements.define('vl-passkey', Passkey);
