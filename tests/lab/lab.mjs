// Opens a notebook in a running JupyterLab, runs all of it, moves controls, and writes what it saw
// as JSON.
//
//     CHROMIUM=/path/to/chromium node lab.mjs ADDRESS < moves.json > report.json
//
// A move names a control by its label, the keys to press on it one after the other, and by a
// selector the picture in the same cell that should change each time.

import { text } from "node:stream/consumers";
import { chromium } from "playwright-core";

// How long a whole notebook, and one key, may take, in ms.
const PATIENCE = 240_000;
const REDRAW = 20_000;

const FAILED = "[data-mime-type='application/vnd.jupyter.error'], [data-mime-type='application/vnd.jupyter.stderr']";

const moves = JSON.parse(await text(process.stdin));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  // Without the sandbox, because tests in a container run as root; the pages are our own.
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run"],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
page.setDefaultTimeout(PATIENCE);

async function choose(menu, item) {
  await page.getByRole("menuitem", { name: menu, exact: true }).click();
  await page.getByRole("menuitem", { name: item, exact: true }).click();
}

async function runAll() {
  await page.locator(".jp-Notebook .jp-CodeCell").first().waitFor();
  // So that what is seen afterwards comes from the kernel, and every cell that has run says so.
  await choose("Edit", "Clear Outputs of All Cells");
  await choose("Run", "Run All Cells");
  await page.waitForFunction((failed) => {
    const prompts = [...document.querySelectorAll(".jp-Notebook .jp-CodeCell .jp-InputPrompt")];
    return document.querySelector(failed) || prompts.every((prompt) => /\d/.test(prompt.textContent));
  }, FAILED);
}

async function move({ label, keys, shows }) {
  const name = page.getByText(label, { exact: true }).first();
  const control = name.locator("xpath=..").locator("[role=slider], input, textarea").first();
  const cell = name.locator("xpath=ancestor::*[contains(@class, 'jp-Cell-outputArea')]");
  const picture = cell.locator(shows).first();
  const drawn = () => picture.evaluate((node) => node.getAttribute("src") ?? node.innerHTML);
  const look = async () => ({
    value: await control.evaluate((node) => node.getAttribute("aria-valuetext") ?? node.value),
    alt: await picture.getAttribute("alt"),
    words: await cell.innerText(),
  });
  const before = await look();
  let redraws = 0;
  for (const key of keys) {
    const old = await drawn();
    await control.press(key);
    const late = Date.now() + REDRAW;
    while ((await drawn()) === old && Date.now() < late) await page.waitForTimeout(50);
    if ((await drawn()) !== old) redraws++;
  }
  return { label, before, redraws, after: await look() };
}

await page.goto(process.argv[2]);
await runAll();
const seen = [];
for (const one of moves) seen.push(await move(one));
const failed = await page.locator(FAILED).allInnerTexts();
await browser.close();
process.stdout.write(JSON.stringify({ failed, seen }));
