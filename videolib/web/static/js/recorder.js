// <vl-recorder>: speaks a narration over the recording that plays beside it; what is kept goes into the form's file field.
// The microphone follows the player: it waits where the picture waits, so that both stay together.
import { exactClock, whenReady } from './player-ready.js';

const KINDS = ['audio/webm;codecs=opus', 'audio/mp4', 'audio/ogg;codecs=opus'];
const ENDINGS = { 'audio/webm': 'webm', 'audio/mp4': 'm4a', 'audio/ogg': 'ogg' };
const KBPS = 128;

class Recorder extends HTMLElement {
  connectedCallback() {
    this.kind = window.MediaRecorder && KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
    if (!this.kind || !navigator.mediaDevices) return;
    this.field = document.getElementById(this.dataset.field);
    this.parts = Object.fromEntries([...this.querySelectorAll('[data-part]')].map((part) => [part.dataset.part, part]));
    whenReady((host) => {
      this.player = host.player;
      this.host = host;
      this.hidden = false;
      for (const name of ['playing', 'pause', 'waiting']) host.player.addEventListener(name, () => this.followPlayer());
      for (const name of ['ended', 'media-seek-request']) host.player.addEventListener(name, () => this.stop());
    });
    const deeds = { start: () => this.start(), stop: () => this.stop(), keep: () => this.keep(), discard: () => this.discard() };
    this.addEventListener('click', ({ target }) => deeds[target.closest('button')?.dataset.part]?.());
    this.showParts('start');
    window.addEventListener('pagehide', () => this.stop());
  }

  async start() {
    const { start, said } = this.parts;
    start.disabled = true; // while the browser asks
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: true }).catch(() => undefined);
    start.disabled = false;
    said.textContent = this.stream ? '' : this.dataset.refused;
    if (!this.stream) return;
    this.pieces = [];
    this.recorder = new MediaRecorder(this.stream, { mimeType: this.kind, audioBitsPerSecond: KBPS * 1000 });
    this.recorder.addEventListener('dataavailable', ({ data }) => this.pieces.push(data));
    this.recorder.addEventListener('stop', () => {
      this.stop(); // where it ended by itself: the microphone was pulled out
      this.listen();
    });
    this.meter();
    this.wasMuted = this.player.muted;
    this.player.muted = true;
    this.host.seek(0);
    this.showParts('stop', 'level', 'time');
    this.parts.stop.focus();
  }

  followPlayer() {
    const { recorder, player } = this;
    if (!recorder) return;
    const isMoving = !player.state.paused && !player.state.waiting;
    if (isMoving && recorder.state === 'inactive' && this.pieces.length === 0) recorder.start();
    else if (isMoving && recorder.state === 'paused') recorder.resume();
    else if (!isMoving && recorder.state === 'recording') recorder.pause();
  }

  meter() {
    this.context = new AudioContext();
    const analyser = this.context.createAnalyser();
    this.context.createMediaStreamSource(this.stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const show = () => {
      analyser.getFloatTimeDomainData(samples);
      const loudest = samples.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
      // decibels of full scale, from -60 on
      this.parts.level.value = Math.max(0, 1 + Math.log10(Math.max(1e-4, loudest)) / 3);
      this.parts.time.textContent = exactClock(this.player.currentTime).slice(0, -4);
      if (this.recorder) requestAnimationFrame(show);
    };
    show();
  }

  stop() {
    const { recorder } = this;
    if (!recorder) return;
    this.recorder = undefined;
    this.player.pause();
    this.player.muted = this.wasMuted;
    if (recorder.state === 'inactive') this.showParts('start');
    else recorder.stop();
    for (const track of this.stream.getTracks()) track.stop();
    this.context.close();
  }

  listen() {
    this.sound = new Blob(this.pieces, { type: this.kind });
    this.parts.listen.src = URL.createObjectURL(this.sound);
    this.showParts('listen', 'keep', 'discard');
    this.parts.keep.focus();
  }

  keep() {
    const [type] = this.kind.split(';');
    const files = new DataTransfer();
    files.items.add(new File([this.sound], `narration.${ENDINGS[type]}`, { type }));
    this.field.files = files.files;
    this.showParts('listen', 'discard');
    this.parts.said.textContent = this.dataset.kept;
  }

  discard() {
    URL.revokeObjectURL(this.parts.listen.src);
    this.parts.listen.removeAttribute('src');
    this.field.value = '';
    this.showParts('start');
    this.parts.said.textContent = '';
  }

  showParts(...names) {
    for (const [name, part] of Object.entries(this.parts)) part.hidden = name !== 'said' && !names.includes(name);
  }

  disconnectedCallback() {
    this.stop();
  }
}

customElements.define('vl-recorder', Recorder);
