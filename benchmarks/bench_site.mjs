// Times first visits to all pages of the built site, and redraws of all explorables on them, one after
// the other, and writes the times as JSON.
//
//     CHROMIUM=/path/to/chromium node bench_site.mjs SITE_FOLDER > times.json
//
// bench_site.py runs it and prints the table. All times are by the clock, in ms: `unit` is that of a
// fixed calculation in the same browser.

import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";
import { serve } from "../tests/browser/server.mjs";
import { PATIENCE, redraw, settled, yardstick } from "../tests/browser/work.mjs";

const SITE = resolve(process.argv[2]);
const VISITS = 3;
const KEYS = 6;

const server = await serve(SITE);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  timeout: PATIENCE,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
});

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
await browser.close();
server.close();
process.stdout.write(JSON.stringify({ unit: median(units), pages, explorables }));
