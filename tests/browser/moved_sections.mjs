// Opens old addresses of the built site, and says where a reader ends; opens the contents of pages,
// and says which names of them are cut.
//
//     CHROMIUM=/path/to/chromium node moved_sections.mjs SITE_FOLDER < told.json > report.json
//
// test_moved_sections.py tells it which, and compares the report with what should be there.

import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { launch } from "../../tools/browser.mjs";
import { PATIENCE, withoutFormulas } from "./work.mjs";

const BOOK = `${pathToFileURL(resolve(process.argv[2]))}/book/`;
const { addresses, contents } = JSON.parse(await text(process.stdin));
const browser = await launch(PATIENCE);

// Formulas move nothing of what is looked at here. One reader opens all of it.
const context = await browser.newContext();
context.setDefaultTimeout(PATIENCE);
await withoutFormulas(context);
const page = await context.newPage();

const ends = {};
for (const address of addresses) {
  // From elsewhere: from another section of the same page nothing would be loaded.
  await page.goto("about:blank");
  await page.goto(BOOK + address);
  const id = decodeURIComponent(new URL(BOOK + address).hash.slice(1));
  await page.waitForFunction((name) => document.getElementById(name), id);
  ends[address] = page.url().slice(BOOK.length);
}

// All levels are opened. A name is cut where its letters reach beyond the column that it is in.
function cut() {
  const column = document.querySelector(".bd-sidebar-secondary");
  for (const list of column.querySelectorAll("ul")) list.style.display = "block";
  const links = [...column.querySelectorAll("nav a")].filter((link) => link.offsetParent);
  const right = column.getBoundingClientRect().left + column.clientWidth;
  return {
    names: links.length,
    cut: links
      .filter((link) => {
        const letters = document.createRange();
        letters.selectNodeContents(link);
        return [...letters.getClientRects()].some((box) => box.right > right);
      })
      .map((link) => link.textContent.trim()),
  };
}

const seen = {};
for (const name of contents) {
  seen[name] = {};
  await page.goto(BOOK + name);
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 800 });
    if (width < 992) await page.locator(".secondary-toggle").click();
    seen[name][width] = await page.evaluate(cut);
  }
}

await browser.close();
process.stdout.write(JSON.stringify({ ends, seen }));
