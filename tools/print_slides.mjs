// Prints decks of slides as PDF, a page for each slide, beside the HTML that `tools.slides` has written.
//
//     CHROMIUM=/path/to/chromium node tools/print_slides.mjs DECK.html...
//
// Nothing is fetched. What could not be loaded is an error: then the exit code is 1.

import { dirname, join, parse, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "./browser.mjs";

// More than this, in ms, no machine should need for a deck.
const PATIENCE = 600_000;

const browser = await launch(PATIENCE);
// What moves by itself stands still on paper, some way on.
const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, reducedMotion: "reduce" });
page.setDefaultTimeout(PATIENCE);
page.on("pageerror", (error) => {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
});
for (const deck of process.argv.slice(2).map((path) => resolve(path))) {
  await page.goto(`${pathToFileURL(deck).href}?print-pdf`);
  await page.waitForSelector("html[data-ready]", { state: "attached" });
  await page.$$eval(".nc-moving .steps", (buttons) => {
    for (const button of buttons) for (let k = 0; k < 5; k++) button.click();
  });
  const path = join(dirname(deck), `${parse(deck).name}.pdf`);
  await page.pdf({ path, preferCSSPageSize: true, printBackground: true, outline: true, tagged: true });
  console.log(path);
}
await browser.close();
