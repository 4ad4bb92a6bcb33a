// <vl-transcript>: the captions as a text beside the picture: it follows, a click goes there, words in it are found.
class Transcript extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector('.transcript__cues');
    this.follows = this.querySelector('[data-follow]');
    this.field = this.querySelector('input[type="search"]');
    this.found = this.querySelector('[role="status"]');
    for (const hidden of this.querySelectorAll('[data-scripted]')) hidden.hidden = false;
    this.addEventListener('click', (event) => this.click(event));
    this.field.addEventListener('input', () => this.find(this.field.value));
    this.onTime = (event) => this.mark(event.detail);
    document.addEventListener('vl-time', this.onTime);
    this.read();
  }

  disconnectedCallback() {
    document.removeEventListener('vl-time', this.onTime);
  }

  read() {
    this.links = [...this.list.querySelectorAll('a[data-start]')];
    this.starts = this.links.map((link) => Number(link.dataset.start));
    this.current = undefined;
  }

  click(event) {
    const link = event.target.closest('a');
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (link.dataset.start !== undefined) {
      event.preventDefault();
      document.querySelector('vl-player').seek(Number(link.dataset.start));
    } else if (link.dataset.language !== undefined) {
      event.preventDefault();
      this.load(link);
    }
  }

  /** The same text in another language. */
  async load(link) {
    const response = await fetch(link.dataset.fragment, { headers: { Accept: 'text/html' }, credentials: 'same-origin' });
    if (!response.ok) { window.location.assign(link.href); return; }
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    this.list.replaceWith(document.importNode(page.querySelector('.transcript__cues'), true));
    this.list = this.querySelector('.transcript__cues');
    for (const other of this.querySelectorAll('a[data-language]')) other.removeAttribute('aria-current');
    link.setAttribute('aria-current', 'true');
    const files = this.querySelectorAll('a[data-file]');
    for (const file of files) file.href = file.dataset.file.replace('LANG', link.dataset.language);
    this.read();
    this.find(this.field.value);
  }

  mark(seconds) {
    let at = this.starts.length - 1;
    while (at >= 0 && this.starts[at] > seconds + 0.05) at -= 1;
    const link = this.links[at];
    if (link === this.current) return;
    this.current?.removeAttribute('aria-current');
    link?.setAttribute('aria-current', 'true');
    this.current = link;
    if (link && this.follows.checked && !this.field.value) this.show(link);
  }

  /** Scrolls the list alone: the page stays where the reader has it. */
  show(link) {
    const [outer, inner] = [this.list.getBoundingClientRect(), link.getBoundingClientRect()];
    this.list.scrollTop += inner.top - outer.top - outer.height / 3;
  }

  find(words) {
    const wanted = words.trim().toLocaleLowerCase();
    let count = 0;
    for (const link of this.links) {
      const text = link.querySelector('.transcript__words');
      const plain = text.textContent;
      const at = wanted ? plain.toLocaleLowerCase().indexOf(wanted) : -1;
      link.parentElement.hidden = wanted !== '' && at < 0;
      if (at >= 0) {
        count += 1;
        const mark = document.createElement('mark');
        mark.textContent = plain.slice(at, at + wanted.length);
        text.replaceChildren(plain.slice(0, at), mark, plain.slice(at + wanted.length));
      } else text.textContent = plain;
    }
    this.found.textContent = wanted ? this.dataset.found.replace('{count}', count) : '';
  }
}

customElements.define('vl-transcript', Transcript);
