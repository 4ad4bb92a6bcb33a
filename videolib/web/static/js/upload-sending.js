// One file on its way, by tus-js-client: pieces of 16 MiB, each acknowledged; goes on by itself after whatever broke it.
import { Upload } from 'tus-js-client';
import { API, Stack, renewToken } from './upload-service.js';

const PIECE = 16 * 1024 * 1024;
const RETRY_MS = [0, 1000, 3000, 5000];
const AGAIN_MS = 5000;
const SPEED_OVER_MS = 10000;
// what no second try changes
const FINAL = new Set([403, 404, 410, 413, 415, 422, 507]);

export class Sending {
  /** `tell(state, facts)`: waiting, sending, paused, offline, signed-out, refused, sent. */
  constructor(picked, { resume, tell }) {
    this.picked = picked;
    this.tell = tell;
    this.sent = 0;
    this.samples = [];
    this.upload = new Upload(picked.blob, {
      endpoint: resume ? null : API,
      uploadUrl: resume ? `${API}/${resume}` : null,
      chunkSize: PIECE,
      retryDelays: RETRY_MS,
      storeFingerprintForResuming: false, // the service lists what is unfinished, on whatever computer
      httpStack: new Stack(),
      metadata: { filename: picked.name, kind: picked.kind, fingerprint: picked.fingerprint },
      onShouldRetry: (error) => ![400, 401, ...FINAL].includes(error.originalResponse?.getStatus()),
      onUploadUrlAvailable: () => {
        // else tus-js-client begins anew whenever the service does not answer its question well, signed out or restarting
        this.upload.options.endpoint = null;
        this.tell('begun', { id: this.id });
      },
      onProgress: (sent) => this.progress(sent),
      onSuccess: () => this.tell('sent', { id: this.id }),
      onError: (error) => this.failed(error),
    });
    this.goOn = () => this.start();
  }

  get id() {
    return this.upload.url?.split('/').pop();
  }

  start() {
    this.cancelWait();
    this.samples = [];
    this.tell('sending', { sent: this.sent });
    this.upload.start();
  }

  pause() {
    this.cancelWait();
    this.upload.abort();
    this.tell('paused', { sent: this.sent });
  }

  progress(sent) {
    const now = performance.now();
    this.sent = sent;
    this.samples = [...this.samples.filter(([at]) => now - at < SPEED_OVER_MS), [now, sent]];
    const [[firstAt, first]] = this.samples;
    const speed = now - firstAt > 500 ? ((sent - first) * 1000) / (now - firstAt) : null;
    this.tell('sending', { sent, speed, left_s: speed ? (this.picked.blob.size - sent) / speed : null });
  }

  async failed(error) {
    const response = error.originalResponse;
    const status = response?.getStatus() ?? 0;
    if (FINAL.has(status)) {
      this.tell('refused', { status, message: sentenceIn(response) });
    } else if (status === 400 || status === 401) {
      await this.signIn(status);
    } else if (!response && !(await this.isReadable())) {
      this.tell('unreadable', {}); // the file was moved or changed, or its disk is gone
    } else {
      this.tell('offline', { sent: this.sent });
      this.wait(this.goOn);
    }
  }

  /** The session has ended, or its token is another by now: goes on as soon as somebody is signed in. */
  async signIn(status) {
    this.tell(status === 401 ? 'signed-out' : 'offline', { sent: this.sent });
    const isBack = await renewToken().catch(() => false);
    if (isBack && status === 400) this.wait(this.goOn);
    else if (isBack) this.start();
    else this.wait(() => this.signIn(401));
  }

  isReadable() {
    return this.picked.blob.slice(0, 1).arrayBuffer().then(() => true, () => false);
  }

  wait(then) {
    this.cancelWait();
    this.timer = window.setTimeout(then, AGAIN_MS);
    this.waitsFor = then;
    window.addEventListener('online', then, { once: true });
  }

  cancelWait() {
    window.clearTimeout(this.timer);
    if (this.waitsFor) window.removeEventListener('online', this.waitsFor);
    this.waitsFor = null;
  }
}

function sentenceIn(response) {
  try {
    return JSON.parse(response.getBody()).detail;
  } catch {
    return String(response.getStatus());
  }
}
