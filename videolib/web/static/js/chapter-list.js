// <vl-chapter-list>: links into the recording (href ?t=…) that seek the player of the page and mark where it is.
class ChapterList extends HTMLElement {
  connectedCallback() {
    this.links = Array.from(this.querySelectorAll('a[data-start]'));
    this.addEventListener('click', (event) => {
      const link = event.target.closest('a[data-start]');
      const player = document.querySelector('vl-player');
      if (!link || !player || event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      player.seek(Number(link.dataset.start));
    });
    this.onTime = (event) => this.mark(event.detail);
    document.addEventListener('vl-time', this.onTime);
  }

  disconnectedCallback() {
    document.removeEventListener('vl-time', this.onTime);
  }

  mark(seconds) {
    const current = this.links.filter((link) => Number(link.dataset.start) <= seconds + 0.05).pop();
    if (current === this.current) return;
    this.current?.removeAttribute('aria-current');
    current?.setAttribute('aria-current', 'true');
    this.current = current;
  }
}

customElements.define('vl-chapter-list', ChapterList);
