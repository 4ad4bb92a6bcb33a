// The script of every page with a player. The player comes after the page's first picture, in several pieces of work:
// what is to be read and the recording's still are on show, and answer, before a phone's processor has done the rest.
const idle = () => new Promise((resolve) => { setTimeout(resolve); });
const painted = () => new Promise((resolve) => { requestAnimationFrame(() => setTimeout(resolve)); });

async function load() {
  if (!document.hidden) await painted(); // nothing is painted there
  const [{ VlPlayer }] = await Promise.all([import('./player-element.js'), import('./vidstack.js'), import('./hls.js')]);
  await idle();
  customElements.define('vl-player', VlPlayer);
}

load();
