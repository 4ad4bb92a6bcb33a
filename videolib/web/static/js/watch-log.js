// What has been played and not yet been taken down by the library: kept in the browser, so that nothing is lost with the
// network, a closed lid or a signed-out session. One list a person; reports are sent in order, each until it is answered.
const KEY = 'videolib-watched';
const MOST = 400;
const KEPT_MS = 3 * 24 * 3600 * 1000;

export class WatchLog {
  /** @param {string} person whose it is: on a shared computer nobody sends what another has watched */
  constructor(person, token) {
    this.key = `${KEY}-${person}`;
    this.token = token;
  }

  read() {
    try {
      const kept = JSON.parse(localStorage.getItem(this.key) ?? '[]');
      return kept.filter((one) => Date.now() - one.at < KEPT_MS);
    } catch {
      return [];
    }
  }

  add(url, report) {
    localStorage.setItem(this.key, JSON.stringify([...this.read(), { url, report, at: Date.now() }].slice(-MOST)));
  }

  drop(url, number) {
    localStorage.setItem(this.key, JSON.stringify(this.read().filter((one) => one.url !== url || one.report.report !== number)));
  }

  /** Sends what is kept. Gives the last answer of that address, else null. `leaving`: the page is about to go. */
  async send({ leaving = false, wanted = '' } = {}) {
    if (this.sending && !leaving) return null;
    this.sending = true;
    let answer = null;
    try {
      for (const { url, report } of this.read()) {
        const response = await fetch(url, {
          method: 'POST', keepalive: leaving, credentials: 'same-origin', body: JSON.stringify(report),
          headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRFToken': this.token },
        });
        // signed out, or the library is in trouble: another time. Anything else will never be taken
        if ([400, 401, 403, 429].includes(response.status) || response.status >= 500) return answer;
        if (response.ok && url === wanted) answer = await response.json();
        this.drop(url, report.report);
      }
    } catch { /* no network: the reports are kept */ } finally {
      this.sending = false;
    }
    return answer;
  }
}
