// Times first visits to all pages of the built site, and redraws of all explorables on them, one after
// the other; the form of the landing page with a thousand different counts; and the frames of the model
// that trains in a page. Writes the times as JSON.
//
//     CHROMIUM=/path/to/chromium node bench_site.mjs SITE_FOLDER > times.json
//
// bench_site.py runs it and prints the table. All times are by the clock, in ms: `unit` is that of a
// fixed calculation in the same browser.

import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { serve } from "../tests/browser/server.mjs";
import { PATIENCE, redraw, settled, yardstick } from "../tests/browser/work.mjs";
import { launch } from "../tools/browser.mjs";

const SITE = resolve(process.argv[2]);
const VISITS = 3;
const KEYS = 6;

const server = await serve(SITE);
const browser = await launch(PATIENCE);

const median = (times) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];

async function open(name) {
  const context = await browser.newContext();
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const start = performance.now();
  await page.goto(`${server.origin}/book/${name}`);
  if (!(await settled(page))) throw new Error(`${name} is never complete`);
  return { page, ms: performance.now() - start, close: () => context.close() };
}

async function redraws(page, box) {
  const times = [];
  for (const control of await box.locator(".nc-controls :is(input, select)").all()) {
    await control.focus();
    await page.keyboard.press("Home");
    for (let press = 0; press < KEYS; press++) times.push(await redraw(page, control, "ArrowRight"));
  }
  return median(times);
}

// From the last key to the whole answer, the pause in which the form waits for more included; and the
// longest task of the page meanwhile.
async function form() {
  const { page, close } = await open("intro.html");
  for (const [name, value] of Object.entries({ loss: "mse", bias: "free" })) {
    await page.locator(`#your-counts [name=${name}]`).selectOption(value);
  }
  await page.locator("#your-counts [name=decay]").fill("1e-6");
  await page.waitForTimeout(1000);
  const times = await page.evaluate(async () => {
    const tasks = [0];
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
      type: "longtask",
    });
    const form = document.querySelector("#your-counts");
    const verdict = form.querySelector(".verdict");
    const counts = form.querySelector("[name=counts]");
    const before = verdict.textContent;
    const start = performance.now();
    counts.value = Array.from({ length: 1000 }, (_, k) => 5000 - 3 * k - (k % 3)).join("\n");
    counts.dispatchEvent(new Event("input", { bubbles: true }));
    const next = () => new Promise((then) => requestAnimationFrame(then));
    let first = 0;
    while (verdict.textContent === before || /^The first class/.test(verdict.textContent)) {
      if (verdict.textContent !== before && !first) first = performance.now() - start;
      await next();
    }
    const all = performance.now() - start;
    await new Promise((then) => setTimeout(then, 500));
    return [
      { name: "a thousand counts: the class lost first", ms: first || all },
      { name: "a thousand counts: the whole answer", ms: all },
      { name: "longest task of the page (0: none of 50 ms)", ms: Math.max(...tasks) },
    ];
  });
  await close();
  return times;
}

// What a frame of the model that trains takes of the page, with ten classes and three layers.
async function live() {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(() => {
    window.frames_ms = [];
    const plain = window.requestAnimationFrame;
    window.requestAnimationFrame = (draw) =>
      plain((time) => {
        const start = performance.now();
        draw(time);
        window.frames_ms.push(performance.now() - start);
      });
  });
  await page.goto(`${server.origin}/book/live.html`);
  await settled(page);
  await page.locator("[data-live] [name=set]").first().selectOption({ index: 1 });
  await page.locator("[data-live] [name=layers]").first().selectOption("3");
  // It trains from the start where it is in view.
  await page.locator("[data-live]").first().scrollIntoViewIfNeeded();
  await page.evaluate(async () => {
    window.frames_ms.length = 0;
    while (window.frames_ms.length < 400) await new Promise((then) => setTimeout(then, 50));
  });
  const frames = (await page.evaluate(() => window.frames_ms)).toSorted((a, b) => a - b);
  const shown = await page.locator("[data-live] [name=set]").first().inputValue();
  await context.close();
  return [0.5, 0.95].map((share) => ({
    name: `a frame of training, ${shown}, ${share === 0.5 ? "median" : "19 of 20"}`,
    ms: frames[Math.floor(share * frames.length)],
  }));
}

const names = (await readdir(join(SITE, "book"))).filter((name) => name.endsWith(".html")).sort();
const pages = [];
const explorables = [];
for (const name of names) {
  const times = [];
  for (let visit = 0; visit < VISITS; visit++) {
    const { page, ms, close } = await open(name);
    times.push(ms);
    for (const box of visit === 0 ? await page.locator(".nc-explorable").all() : []) {
      explorables.push({ name: await box.getAttribute("data-name"), ms: await redraws(page, box) });
    }
    await close();
  }
  pages.push({ name, ms: median(times) });
}
const { page, close } = await open(names[0]);
const now = () => performance.now();
const units = [];
for (let time = 0; time < VISITS; time++) units.push(await yardstick(page, now));
await close();
const moving = [...(await form()), ...(await live())];
await browser.close();
server.close();
process.stdout.write(JSON.stringify({ unit: median(units), pages, explorables, moving }));
