// <vl-sign-in-again>: where the session ends while a page is open, one signs in again in place, and what was typed stays.
// Asked when somebody comes back to the page, before a form is sent that stood open for a while, and by other elements
// with the event `vl-session-ended`; they hear `vl-session-back` when it is over.
const ASKED_FOR_MS = 60000;

class SignInAgain extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector('dialog');
    this.form = this.querySelector('form');
    this.asked = Date.now();
    this.form.addEventListener('submit', (event) => this.send(event));
    this.dialog.addEventListener('close', () => { this.waiting = null; });
    document.addEventListener('vl-session-ended', () => this.open());
    document.addEventListener('submit', (event) => this.hold(event), true);
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.look(); });
    window.addEventListener('focus', () => this.look());
  }

  get isDue() {
    return Date.now() - this.asked > ASKED_FOR_MS || this.dialog.open;
  }

  async ask() {
    const answer = await fetch(this.dataset.state, { headers: { Accept: 'application/json' } });
    if (!answer.ok) throw new Error(String(answer.status));
    this.asked = Date.now();
    return answer.json();
  }

  async look() {
    if (!this.isDue) return;
    try {
      await this.take(await this.ask());
    } catch { /* the network is gone: asked again next time */ }
  }

  // a form that stood open: asked before the page goes, so that nothing that was typed is refused
  async hold(event) {
    const form = event.target;
    if (form === this.form || form.method !== 'post' || form === this.let || !this.isDue) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.waiting = () => { this.let = form; form.requestSubmit(event.submitter); };
    try {
      await this.take(await this.ask());
    } catch {
      this.resume();
    }
  }

  async take(state) {
    if (String(state.person) !== this.dataset.person) return this.open(state);
    for (const field of document.querySelectorAll('input[name="csrf_token"]')) field.value = state.csrf_token;
    const meta = document.querySelector('meta[name="csrf-token"]');
    if (meta) meta.content = state.csrf_token;
    if (this.ended) document.dispatchEvent(new CustomEvent('vl-session-back'));
    this.ended = false;
    this.resume();
    return undefined;
  }

  resume() {
    const go = this.waiting;
    this.waiting = null;
    if (this.dialog.open) this.dialog.close();
    if (go) go();
  }

  async open() {
    this.ended = true;
    if (this.dialog.open) return;
    const waiting = this.waiting;
    this.dialog.showModal();
    this.waiting = waiting;
    this.form.elements.password.focus();
  }

  async send(event) {
    if (event.submitter?.formMethod === 'dialog') return;
    event.preventDefault();
    const said = this.querySelector('[role="alert"]');
    said.textContent = '';
    try {
      const { csrf_token: token } = await this.ask();
      this.form.elements.csrf_token.value = token;
      const answer = await fetch(this.form.action, { method: 'POST', body: new FormData(this.form) });
      if (answer.status === 429) { said.textContent = this.dataset.often; return; }
      const state = await this.ask();
      if (state.second_step) said.replaceChildren(this.furtherStep());
      else if (!state.signed_in) said.textContent = this.dataset.refused;
      else { this.form.elements.password.value = ''; await this.take(state); }
    } catch {
      said.textContent = this.dataset.failed;
    }
  }

  // a code is asked for: that page opens beside this one, which goes on when somebody comes back to it
  furtherStep() {
    const link = document.createElement('a');
    link.href = this.dataset.second;
    link.target = '_blank';
    link.textContent = this.dataset.further;
    return link;
  }
}

customElements.define('vl-sign-in-again', SignInAgain);
