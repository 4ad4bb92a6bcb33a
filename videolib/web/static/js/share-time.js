// <vl-share-time>: copies the address of this page at the place where the player stands.
class ShareTime extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector('button');
    const said = this.querySelector('[role="status"]');
    this.hidden = !navigator.clipboard; // only there in a secure context
    button.addEventListener('click', async () => {
      const player = document.querySelector('vl-player');
      const address = new URL(this.dataset.url, window.location.href);
      const now = player?.currentTime ?? 0;
      // a picture that stands is meant to the millisecond, one that moves to the second
      const seconds = player?.player?.state.paused ? Math.round(now * 1000) / 1000 : Math.floor(now);
      if (seconds > 0) address.searchParams.set('t', String(seconds));
      await navigator.clipboard.writeText(address.href);
      said.textContent = this.dataset.done;
      window.setTimeout(() => { said.textContent = ''; }, 4000);
    });
  }
}

customElements.define('vl-share-time', ShareTime);
