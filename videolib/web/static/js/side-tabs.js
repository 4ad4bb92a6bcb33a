// <vl-tabs>: sections with headings become tabs of one panel; without the script they stand one below the other.
class Tabs extends HTMLElement {
  connectedCallback() {
    this.panels = [...this.querySelectorAll(':scope > section')];
    if (this.panels.length === 0 || this.bar) return;
    this.bar = document.createElement('div');
    this.bar.className = 'tabs';
    this.bar.setAttribute('role', 'tablist');
    this.bar.setAttribute('aria-label', this.dataset.label);
    this.tabs = this.panels.map((panel, at) => {
      const heading = panel.querySelector('h2');
      const tab = document.createElement('button');
      Object.assign(tab, { type: 'button', id: `tab-${panel.id}`, className: 'tab', textContent: heading.textContent });
      tab.setAttribute('role', 'tab');
      tab.setAttribute('aria-controls', panel.id);
      tab.addEventListener('click', () => this.choose(at));
      heading.classList.add('visually-hidden');
      panel.setAttribute('role', 'tabpanel');
      panel.setAttribute('aria-labelledby', tab.id);
      panel.classList.add('tabs__panel');
      return tab;
    });
    this.bar.append(...this.tabs);
    this.bar.addEventListener('keydown', (event) => this.move(event));
    this.prepend(this.bar);
    this.classList.add('is-tabbed');
    this.choose(this.asked());
    window.addEventListener('hashchange', () => this.choose(this.asked()));
  }

  /** The panel that the address names, or that holds what it names. */
  asked() {
    const named = document.getElementById(decodeURIComponent(window.location.hash.slice(1)));
    return Math.max(0, this.panels.findIndex((panel) => panel === named || panel.contains(named)));
  }

  choose(chosen) {
    this.panels.forEach((panel, at) => {
      panel.hidden = at !== chosen;
      this.tabs[at].setAttribute('aria-selected', String(at === chosen));
      this.tabs[at].tabIndex = at === chosen ? 0 : -1;
    });
  }

  move(event) {
    const at = this.tabs.indexOf(document.activeElement);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: this.tabs.length - 1 }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const chosen = (next + this.tabs.length) % this.tabs.length;
    this.choose(chosen);
    this.tabs[chosen].focus();
  }
}

customElements.define('vl-tabs', Tabs);
