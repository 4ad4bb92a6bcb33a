// <vl-content-warning>: stands over the recording until it is agreed to, once for each warning on this device.
// <vl-copy-text> copies a text of the page. <vl-print-page> prints it.
const KEY = 'videolib-warnings-seen';

function seen() {
  try {
    return JSON.parse(window.localStorage.getItem(KEY)) || [];
  } catch {
    return []; // storage is refused or holds something else: ask again
  }
}

function remember(warning) {
  try {
    window.localStorage.setItem(KEY, JSON.stringify([...new Set([...seen(), warning])].slice(-500)));
  } catch {
    // it is asked again next time
  }
}

class ContentWarning extends HTMLElement {
  connectedCallback() {
    if (seen().includes(this.dataset.key)) {
      this.dataset.state = 'seen';
      return;
    }
    const button = this.querySelector('button');
    this.dataset.state = 'asking';
    button.hidden = false;
    this.cover(true);
    button.addEventListener('click', () => {
      remember(this.dataset.key);
      this.dataset.state = 'seen';
      this.cover(false);
      const player = this.parentElement.querySelector('vl-player');
      if (player) {
        player.tabIndex = -1;
        player.focus();
      }
    });
  }

  // what cannot be seen cannot be reached by keys either
  cover(isCovered) {
    for (const other of this.parentElement.children) if (other !== this) other.toggleAttribute('inert', isCovered);
  }
}

class CopyText extends HTMLElement {
  connectedCallback() {
    this.hidden = !navigator.clipboard; // only there in a secure context
    const said = this.querySelector('[role="status"]');
    this.querySelector('button').addEventListener('click', async () => {
      await navigator.clipboard.writeText(document.getElementById(this.dataset.from).textContent.trim());
      said.textContent = this.dataset.done;
      window.setTimeout(() => { said.textContent = ''; }, 4000);
    });
  }
}

class PrintPage extends HTMLElement {
  connectedCallback() {
    this.hidden = false;
    this.querySelector('button').addEventListener('click', () => window.print());
  }
}

customElements.define('vl-content-warning', ContentWarning);
customElements.define('vl-copy-text', CopyText);
customElements.define('vl-print-page', PrintPage);
