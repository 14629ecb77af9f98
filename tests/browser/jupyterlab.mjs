// Opens a notebook in a running JupyterLab, runs all of it, moves controls, and writes what it saw
// as JSON.
//
//     CHROMIUM=/path/to/chromium node jupyterlab.mjs ADDRESS < moves.json > report.json
//
// A move names a control by a selector, what is done to it one after the other (a key to press, or
// {"fill": text} for a field), and by a selector the picture in the same cell that should change
// each time.

import { text } from "node:stream/consumers";
import { launch } from "../../tools/browser.mjs";

// How long a whole notebook, and one redrawing, may take, in ms, before they count as hung.
const PATIENCE = 900_000;
const REDRAW = 300_000;

const FAILED = "[data-mime-type='application/vnd.jupyter.error'], [data-mime-type='application/vnd.jupyter.stderr']";

const address = process.argv[2];
const moves = JSON.parse(await text(process.stdin));
const browser = await launch(PATIENCE);
const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
page.setDefaultTimeout(PATIENCE);

// Nothing but the server itself can be reached.
const foreign = [];
await page.route("**/*", (route) => {
  const url = route.request().url();
  if (url.startsWith(new URL(address).origin) || /^(data|blob):/.test(url)) return route.continue();
  foreign.push(url);
  return route.abort();
});

async function choose(menu, item) {
  await page.getByRole("menuitem", { name: menu, exact: true }).click();
  await page.getByRole("menuitem", { name: item, exact: true }).click();
}

// Waits until the prompts of all code cells look as they should, or a cell has failed.
async function prompts(pattern) {
  await page.waitForFunction(
    ([pattern, failed]) => {
      const all = [...document.querySelectorAll(".jp-Notebook .jp-CodeCell .jp-InputPrompt")];
      return document.querySelector(failed) || all.every((one) => new RegExp(pattern).test(one.textContent));
    },
    [pattern, FAILED],
  );
}

async function runAll() {
  await page.locator(".jp-Notebook .jp-CodeCell").first().waitFor();
  // What is asked before the kernel is there is lost.
  await page.getByText("| Idle").first().waitFor();
  // So that what is seen afterwards comes from the kernel, and every cell that has run says so.
  await choose("Edit", "Clear Outputs of All Cells");
  await prompts("^\\[ ?\\]:?$");
  await choose("Run", "Run All Cells");
  await prompts("\\d");
}

async function move({ control: selector, actions, shows }) {
  const control = page.locator(selector).first();
  const cell = control.locator("xpath=ancestor::*[contains(@class, 'jp-Cell-outputArea')]");
  const drawn = () =>
    cell.locator(shows).evaluateAll((all) => all.map((node) => node.getAttribute("src") ?? node.innerHTML).join());
  const seen = [];
  for (const action of actions) {
    const old = await drawn();
    if (action.fill === undefined) {
      await control.press(action);
    } else {
      await control.fill(action.fill);
      await control.press("Tab");
    }
    const late = Date.now() + REDRAW;
    while ((await drawn()) === old && Date.now() < late) await page.waitForTimeout(50);
    // What belongs to the picture comes right behind it.
    await page.waitForTimeout(500);
    seen.push({
      redrawn: (await drawn()) !== old,
      value: await control.evaluate((node) => node.getAttribute("aria-valuetext") ?? node.value),
      alt: await cell.locator(shows).evaluateAll((all) => all[0]?.getAttribute("alt") ?? null),
      words: await cell.innerText(),
    });
  }
  return seen;
}

await page.goto(address);
await runAll();
// What the directives of the book's text have become, and what was left as it is written.
const blocks = await page.locator(".myst-proof-title, .myst-exercise-title").allInnerTexts();
const texts = await page.locator(".jp-MarkdownCell .myst").allInnerTexts();
const raw = texts.flatMap((words) => words.match(/^(:::|```).*|\{[\w:]+\}`.*/gm) ?? []);
// Beside each picture the kernel sends a list of what it shows, for those who see no pictures.
const outputs = await page.locator(".jp-OutputArea-output").allInnerTexts();
const listed = outputs.filter((words) => /^\s*(\S.*\n)?axes \d+:/.test(words));
const pictures = await page.locator(".jp-OutputArea-output:is(.jp-RenderedImage, .jp-RenderedSVG)").count();
const moved = [];
for (const one of moves) moved.push(await move(one));
const failed = await page.locator(FAILED).allInnerTexts();
await browser.close();
process.stdout.write(JSON.stringify({ blocks, raw, pictures, listed, moved, failed, foreign }));
