// Runs a notebook's cells in JupyterLab as a reader would, and moves the explorable that they show.
//
//     CHROMIUM=/path/to/chromium node jupyterlab.mjs ADDRESS_OF_THE_NOTEBOOK > report.json

import { chromium } from "playwright-core";

const address = process.argv[2];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
});
// Nothing but the server itself can be reached.
const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } });
const foreign = [];
await context.route("**/*", (route) => {
  const url = route.request().url();
  if (url.startsWith(new URL(address).origin) || /^(data|blob):/.test(url)) return route.continue();
  foreign.push(url);
  return route.abort();
});
const page = await context.newPage();
await page.goto(address);
await page.locator(".jp-Notebook .jp-CodeCell .cm-content").first().click({ timeout: 60_000 });
await page.keyboard.press("Shift+Enter");
const box = page.locator(".nc-explorable.nc-mounted");
await box.waitFor({ timeout: 60_000 });

const seen = async () => ({
  summary: await box.locator(".nc-summary").textContent(),
  marks: await box.locator(".nc-chart [class^='mark-'].role-mark > *").count(),
  address: page.url(),
});
const first = await seen();
await box.locator("input").first().focus();
await page.keyboard.press("End");
await page.keyboard.press("ArrowLeft");
const moved = await seen();
await browser.close();
process.stdout.write(JSON.stringify({ first, moved, foreign }));
