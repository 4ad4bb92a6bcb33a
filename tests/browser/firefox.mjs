// Core stories in Debian's Firefox over WebDriver BiDi: node firefox.mjs STORY, its values as JSON on stdin, what it saw as
// JSON on stdout. The library's side is looked at by tests/browser/test_firefox.py.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import puppeteer from 'puppeteer-core';

const given = JSON.parse(readFileSync(0, 'utf8'));
const PATIENCE_MS = 90_000;
const seen = { errors: [], outside: [] };
const browser = await puppeteer.launch({
  browser: 'firefox', executablePath: given.firefox, headless: true, userDataDir: given.profile,
  extraPrefsFirefox: { 'intl.accept_languages': 'zh-CN', 'media.autoplay.default': 0 },
});
// no browser is left over when a story takes too long
setTimeout(() => { browser.process().kill('SIGKILL'); throw new Error('the story took too long'); }, given.longest_ms).unref();
const page = await browser.newPage();
page.setDefaultTimeout(PATIENCE_MS);
page.on('pageerror', (error) => seen.errors.push(String(error)));
page.on('request', (request) => {
  if (/^https?:/.test(request.url()) && !request.url().startsWith(given.url)) seen.outside.push(request.url());
});

// looked for from here: waiting inside the page would need `eval`, which our pages forbid; an element does not cross over
async function until(look, ...values) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await page.evaluate(look, ...values).catch(() => null);
    if (found) return found;
    if (Date.now() > end) throw new Error(`it did not come about at ${page.url()}: ${look}`);
    await new Promise((done) => { setTimeout(done, 100); });
  }
}

// an element that is looked for while the page before it goes is looked for again
async function click(selector, tries = 5) {
  try {
    await page.click(selector);
  } catch (error) {
    if (tries === 1) throw error;
    await new Promise((done) => { setTimeout(done, 200); });
    await click(selector, tries - 1);
  }
}

async function enter(role) {
  await page.goto(`${given.url}/login`);
  await page.type('input[name=email]', `${role}@hospital.example`);
  await page.type('input[name=password]', given.password);
  await page.click('button[name=submit]');
  await until(() => location.pathname !== '/login' && document.readyState === 'complete');
}

async function play() {
  await until(() => document.querySelector('vl-player media-player[data-can-play]') !== null);
  await page.keyboard.press('k');
}

// in the page before its own scripts: where each piece began; after so many the line is dead
function notePieces(most) {
  window.offsets = [];
  const { setRequestHeader, send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.setRequestHeader = function note(name, value) {
    if (name.toLowerCase() === 'upload-offset') {
      window.offsets.push(Number(value));
      this.isStuck = window.offsets.length > most;
    }
    setRequestHeader.call(this, name, value);
  };
  XMLHttpRequest.prototype.send = function pass(body) {
    if (this.isStuck) window.isStuck = true;
    else send.call(this, body);
  };
}

const stories = {
  async watch() {
    await enter('trainee');
    await page.type('header input[name=q]', '支架');
    await page.keyboard.press('Enter');
    await until(() => location.pathname === '/search' && document.querySelector('main a[href*="/entries/"]') !== null);
    await click('main a[href*="/entries/"]');
    await until(() => location.pathname.startsWith('/entries/'));
    await play();
    seen.played = await until(() => {
      const video = document.querySelector('vl-player video');
      return video?.currentTime > 3 && video.videoHeight > 0 && { at: video.currentTime, height: video.videoHeight, error: video.error };
    });
    seen.heights = await page.evaluate(() => document.querySelector('vl-player media-player').qualities.toArray().map((one) => one.height));
    await page.evaluate(() => { document.querySelector('vl-player').player.currentTime = 12; });
    await until(() => document.querySelector('vl-player video').currentTime > 12.3);
    await page.keyboard.press('k');
    await until(() => document.querySelector('vl-player').player.paused);
    const stood = await page.evaluate(() => document.querySelector('vl-player').player.currentTime);
    await page.keyboard.press('.');
    await until((at) => document.querySelector('vl-player video').currentTime > at, stood);
    await click('a[hreflang=en]');
    seen.english = await until(() => document.documentElement.lang === 'en' && document.querySelector('h1').textContent);
  },

  async playlist() {
    await enter('trainee');
    await page.goto(`${given.url}/playlists/${given.lesson}`);
    await play();
    await until(() => document.querySelectorAll('.playlist__clip .tick--done').length === 1);
    await until(() => document.querySelector('.sequence__now').textContent.includes('第 2 / 2'));
    await until(() => document.querySelectorAll('.playlist__clip .tick--done').length === 2);
    await page.goto(`${given.url}/playlists`);
    seen.done = await until(() => document.querySelector('section[aria-labelledby=done]')?.textContent);
  },

  async upload() {
    await page.evaluateOnNewDocument(notePieces, given.pieces);
    await enter('editor');
    await page.goto(`${given.url}/studio/upload`);
    await (await page.waitForSelector('[data-part=files]')).uploadFile(given.file);
    await until(() => window.isStuck === true);
    browser.process().kill('SIGKILL');
  },

  async resume() {
    await page.evaluateOnNewDocument(notePieces, 1000);
    await enter('editor');
    await page.goto(`${given.url}/studio/upload`);
    const field = await page.waitForSelector('vl-upload[data-state=unfinished] .upload__file input');
    seen.share = await page.evaluate(() => document.querySelector('vl-upload [data-part=bar]').value);
    await field.uploadFile(given.file);
    await until((name) => [...document.querySelectorAll('vl-upload[data-state=done] [data-part=name]')]
      .some((one) => one.textContent === name), basename(given.file));
    seen.offsets = await page.evaluate(() => window.offsets);
  },
};

await stories[process.argv[2]]();
if (process.argv[2] !== 'upload') await browser.close();
console.log(JSON.stringify(seen));
process.exit(0);
