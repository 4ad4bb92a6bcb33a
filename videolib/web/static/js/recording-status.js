// <vl-recording-status data-url data-state>: follows a recording through the ingest by polling with ETags.
// The page shows the state as it was when it was written; this element only keeps it true.
const MOVING = new Set(['uploaded', 'queued', 'processing']);
const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 10000;

class RecordingStatus extends HTMLElement {
  connectedCallback() {
    this.wait_ms = FIRST_WAIT_MS;
    this.etag = null;
    if (MOVING.has(this.dataset.state)) this.schedule();
  }

  disconnectedCallback() {
    window.clearTimeout(this.timer);
  }

  schedule() {
    this.timer = window.setTimeout(() => this.poll(), this.wait_ms);
  }

  async poll() {
    if (document.hidden) {
      document.addEventListener('visibilitychange', () => this.poll(), { once: true });
      return;
    }
    try {
      const headers = { Accept: 'application/json' };
      if (this.etag) headers['If-None-Match'] = this.etag;
      const response = await fetch(this.dataset.url, { headers, credentials: 'same-origin', cache: 'no-store' });
      if ([401, 403, 404].includes(response.status)) return; // no longer ours to follow; a reload of the page says why
      if (response.status === 200) {
        this.etag = response.headers.get('ETag');
        this.wait_ms = FIRST_WAIT_MS;
        if (this.show(await response.json())) return;
      } else {
        this.wait_ms = Math.min(this.wait_ms * 1.5, LONGEST_WAIT_MS);
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // a TypeError of fetch is a lost connection: try again later
      this.wait_ms = LONGEST_WAIT_MS;
    }
    this.schedule();
  }

  /** Writes the news into the page; true when the recording has come to rest. */
  show(recording) {
    if (!MOVING.has(recording.state)) {
      window.location.reload(); // what may be done now (play, sign off, retry) is the server's to say
      return true;
    }
    const words = [recording.state_text, recording.stage_text].filter(Boolean).join(' · ');
    this.write('[data-part="words"]', words);
    const bar = this.querySelector('progress');
    if (bar && typeof recording.progress === 'number') {
      bar.value = recording.progress;
      this.write('[data-part="percent"]', new Intl.NumberFormat(document.documentElement.lang, { style: 'percent' })
        .format(recording.progress));
    } else if (bar) {
      bar.removeAttribute('value');
    }
    return false;
  }

  write(selector, text) {
    const part = this.querySelector(selector);
    if (part && part.textContent !== text) part.textContent = text;
  }
}

customElements.define('vl-recording-status', RecordingStatus);
