// <vl-live data-url data-every>: keeps a part of the page as it is on the server, asked for every so many seconds with
// its ETag, so that nobody holds a thread of the service. Nothing is exchanged under the focus, a selection or an open menu.
const LONGEST_S = 60;

class LivePart extends HTMLElement {
  connectedCallback() {
    this.every_s = Number(this.dataset.every);
    this.wait_s = this.every_s;
    this.schedule();
  }

  disconnectedCallback() {
    window.clearTimeout(this.timer);
  }

  schedule() {
    this.timer = window.setTimeout(() => this.look(), this.wait_s * 1000);
  }

  async look() {
    if (document.hidden) {
      document.addEventListener('visibilitychange', () => this.look(), { once: true });
      return;
    }
    try {
      const headers = this.etag ? { 'If-None-Match': this.etag } : {};
      const response = await fetch(this.dataset.url, { headers, credentials: 'same-origin', cache: 'no-store', redirect: 'manual' });
      if (response.type === 'opaqueredirect' || [401, 403, 404].includes(response.status)) return; // no longer ours to follow
      this.wait_s = response.ok || response.status === 304 ? this.every_s : Math.min(this.wait_s * 2, LONGEST_S);
      if (response.ok) this.show(await response.text(), response.headers.get('ETag'));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // a lost connection: later
      this.wait_s = Math.min(this.wait_s * 2, LONGEST_S);
    }
    this.schedule();
  }

  show(html, etag) {
    const isHeld = this.contains(document.activeElement) || !window.getSelection().isCollapsed;
    if (isHeld) return; // it is asked for again, as the tag is not kept
    this.innerHTML = html;
    this.etag = etag;
  }
}

customElements.define('vl-live', LivePart);
