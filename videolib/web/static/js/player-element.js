// <vl-player>: the one place that knows Vidstack and hls.js. It takes the native <video> of the page as it finds it
// (which plays by itself where HLS is native and JavaScript is off) and puts the player in its stead.
import Hls from './hls.js';
import './player-parts.js';
import { captionTracks, chapterTrack, dropTwins, fetchPlayback, isExpired, PlaybackRefused } from './playback.js';
import { expectedBandwidth, renewAhead, withFreshAddress } from './player-address.js';
import { fetchAhead } from './player-buffer.js';
import { Habits } from './player-habits.js';
import { areKeysOff, frameStepper, keyShortcuts } from './player-keys.js';
import { PlayerNotice } from './player-notice.js';
import { rememberSound } from './player-sound.js';
import { watchOver } from './player-recovery.js';
import { beginAt, firstView, goOnAt, playsSame, sourceOf } from './player-views.js';
import { keepHere, watermark } from './watermark.js';
import './vidstack.js';

const RENEW_AGAIN_AFTER_MS = 5000;

export class VlPlayer extends HTMLElement {
  connectedCallback() {
    if (this.player) return;
    this.playback = JSON.parse(this.querySelector('script[type="application/json"]').textContent);
    this.words = JSON.parse(document.getElementById('player-words').textContent);
    this.startAt = Number(this.dataset.start) || 0;
    this.view = firstView(this.playback);
    this.build();
    this.notice = new PlayerNotice(this, this.words.own, () => this.renew());
    watchOver(this);
    renewAhead(this);
    this.replaceNative();
    document.dispatchEvent(new CustomEvent('vl-ready', { detail: this }));
  }

  /** The page's own video goes; where somebody has begun to watch in it, the player goes on. */
  replaceNative() {
    const native = this.querySelector('.stage__native');
    const isPlaying = native?.paused === false;
    if (isPlaying) this.player.addEventListener('can-play', () => this.player.play().catch(() => {}), { once: true });
    if (isPlaying || native?.currentTime > this.startAt) this.seek(native.currentTime || this.startAt, { play: false });
    native?.remove();
  }

  get currentTime() {
    return this.player.provider?.video?.currentTime ?? this.player.currentTime; // the player hears of a new place a moment later
  }

  get frameRate() {
    return this.hls()?.levels[this.hls().currentLevel]?.frameRate;
  }

  seek(seconds, { play = true } = {}) {
    if (this.player.state.canPlay) this.player.currentTime = seconds;
    else {
      beginAt(this, seconds);
      this.player.startLoading(); // Vidstack waits until it is in view, and can miss that it came there
    }
    if (play) this.player.play().catch(() => {}); // refused without a user's gesture: then it stays at the place, paused
  }

  setKeysOff(off) {
    this.player.keyDisabled = off;
  }

  build() {
    const player = document.createElement('media-player');
    Object.assign(player, {
      title: this.dataset.title, playsInline: true, crossOrigin: null, loop: Boolean(this.playback.loop), load: 'visible', streamType: 'on-demand',
      keyTarget: 'document', keyDisabled: areKeysOff(), storage: new Habits(),
    });
    this.stepFrames = frameStepper(player, () => this.frameRate, () => this.playback.frame_steps);
    player.keyShortcuts = keyShortcuts(player, this.stepFrames);
    player.setAttribute('aria-label', this.dataset.title);
    const provider = document.createElement('media-provider');
    if (this.playback.poster_url) {
      const poster = document.createElement('media-poster');
      poster.className = 'vds-poster';
      Object.assign(poster, { src: this.playback.poster_url, alt: '' });
      provider.append(poster);
    }
    const layout = document.createElement('media-video-layout');
    Object.assign(layout, {
      translations: this.words.layout, noAudioGain: true, playbackRates: { min: 0.25, max: 2, step: 0.25 }, seekStep: 10, hideQualityBitrate: true,
    });
    const dress = () => { layout.colorScheme = { light: 'light', dark: 'dark' }[document.documentElement.dataset.theme] ?? 'system'; };
    new MutationObserver(dress).observe(document.documentElement, { attributeFilter: ['data-theme'] });
    dress();
    player.append(provider, layout);
    player.addEventListener('loaded-data', () => { layout.thumbnails = this.playback.storyboard_url; }, { once: true }); // the picture comes first
    player.addEventListener('provider-change', (event) => this.setUp(event.detail));
    this.player = player;
    rememberSound(player);
    this.append(player);
    watermark(player, this.playback.watermark);
    const chapters = chapterTrack(this.playback, this.words.layout.Chapters);
    for (const track of [...captionTracks(this.playback), ...(chapters ? [chapters] : [])]) player.textTracks.add(track);
    dropTwins(player.textTracks, this.playback);
    player.src = sourceOf(this.playback, this.view);
  }

  setUp(provider) {
    if (provider?.video && this.playback.watermark) keepHere(provider.video);
    if (provider?.type !== 'hls') return;
    provider.library = Hls; // without this line Vidstack would fetch hls.js from a CDN
    provider.config = {
      xhrSetup: withFreshAddress(this), startPosition: this.startAt, enableWorker: false,
      abrEwmaDefaultEstimate: expectedBandwidth(), ignorePlaylistParsingErrors: true, // when a recording is whole, its final sound takes the place of the preview's
    };
    provider.onInstance((hls) => {
      fetchAhead(this.player, hls);
      hls.on(Hls.Events.ERROR, (_, error) => {
        if (isExpired(error) && Date.now() - (this.renewedAt ?? 0) > RENEW_AGAIN_AFTER_MS) this.renew();
      });
    });
  }

  hls() {
    return this.player.provider?.type === 'hls' ? this.player.provider.instance : null;
  }

  /** Fetches fresh addresses and goes on at the same place: after an expired signature, a lost network, a failure, or ahead. */
  async renew({ ahead = false } = {}) {
    this.renewedAt = Date.now();
    const { player } = this;
    const wasPlaying = !player.state.paused;
    const place = this.startAt || player.currentTime;
    try {
      this.playback = await fetchPlayback(this.dataset.playbackUrl);
    } catch (error) {
      if (error instanceof PlaybackRefused && error.status < 500) this.stop(error.status);
      else if (ahead) renewAhead(this);
      else this.notice.say('offline', { retry: true });
      return;
    }
    renewAhead(this);
    if (!ahead || !playsSame(this)) goOnAt(this, place, wasPlaying);
  }

  showView(name) {
    this.view = name;
    goOnAt(this, this.startAt || this.player.currentTime, !this.player.state.paused);
  }

  stop(status) {
    window.clearInterval(this.retryTimer);
    this.player.pause();
    this.notice.say(status === 401 ? 'signedOut' : 'gone');
  }
}
