// What stands over the picture at the end of a clip: what comes next, and a way to stop it.
const SECONDS = 5;
const KEY = 'videolib-go-on';

export class UpNext {
  /** @param {HTMLElement} page the <vl-playlist> */
  constructor(page) {
    this.page = page;
    this.box = page.querySelector('[data-up-next]');
    this.said = this.box.querySelector('[data-said]');
    this.now = this.box.querySelector('[data-now]');
    this.link = page.querySelector('a[rel="next"]');
    const automatic = page.querySelector('[data-auto]');
    automatic.hidden = false;
    this.check = automatic.querySelector('input');
    this.check.checked = localStorage.getItem(KEY) !== 'no';
    this.check.addEventListener('change', () => localStorage.setItem(KEY, this.check.checked ? 'yes' : 'no'));
    this.box.querySelector('[data-cancel]').addEventListener('click', () => this.cancel());
  }

  offer() {
    const { words } = this.page;
    this.box.hidden = false;
    this.now.hidden = !this.link;
    if (!this.link) {
      this.said.textContent = words.over;
      return;
    }
    const { title } = this.link.dataset;
    this.now.href = this.link.href;
    if (!this.check.checked) {
      this.said.textContent = words.next.replace('{title}', title);
      return;
    }
    let left = SECONDS;
    const tell = () => { this.said.textContent = words.soon.replace('{title}', title).replace('{seconds}', left); };
    tell();
    this.timer = window.setInterval(() => {
      left -= 1;
      if (left > 0) tell();
      else this.page.turn(this.link.href);
    }, 1000);
  }

  cancel() {
    window.clearInterval(this.timer);
    this.box.hidden = true;
  }
}
