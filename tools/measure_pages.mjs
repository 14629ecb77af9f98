// Measures what a page of the built book asks of its reader, and writes a table.
//
//     CHROMIUM=/path/to/chromium node tools/measure_pages.mjs _build/html [PAGE ...]
//
// A screen is 844 px high on a phone (390 px wide) and 800 px on a desk (1280 px wide). Code and
// printouts are cut where they are wider than the box that they scroll in.

import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [SITE, ...ASKED] = process.argv.slice(2);
const FORMS = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 800 } };

// Runs in the browser.
function look() {
  const article = document.querySelector("article.bd-article");
  const shown = (node) => node.checkVisibility({ visibilityProperty: true }) && node.getBoundingClientRect().height > 0;
  const all = (selector) => [...article.querySelectorAll(selector)].filter(shown);
  const height = (nodes) => nodes.reduce((sum, node) => sum + node.getBoundingClientRect().height, 0);
  const cut = (nodes) => nodes.filter((node) => node.scrollWidth > node.clientWidth + 1).length;
  const code = all("div.cell_input");
  const printed = all("div.cell_output .output");
  const texts = printed.filter((node) => node.querySelector("pre"));
  const moving = all(".nc-explorable, .nc-calculator, [data-moves]")[0];
  return {
    height: document.querySelector("main").scrollHeight,
    text: article.getBoundingClientRect().height,
    code: code.length,
    codeHeight: height([...code, ...texts]),
    cutCode: cut(code.map((node) => node.querySelector("pre"))),
    printed: texts.length,
    cutPrinted: cut(texts.map((node) => node.querySelector("pre"))),
    moves: moving ? Math.round(moving.getBoundingClientRect().top + scrollY) : null,
  };
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
const first = await browser.newPage();
await first.goto(pathToFileURL(join(resolve(SITE), "index.html")).href);
await first.waitForURL("**/book/**");
const links = await first.$$eval("nav.bd-links a.internal", (list) => list.map((link) => link.href.replace(/#.*/, "")));
const pages = [first.url(), ...new Set(links)].filter(
  (page) => !ASKED.length || ASKED.some((name) => page.includes(name)),
);

const rows = [];
for (const address of pages) {
  const row = { page: new URL(address).pathname.split("/").pop().replace(".html", "") };
  for (const [form, viewport] of Object.entries(FORMS)) {
    const page = await browser.newPage({ viewport, isMobile: form === "phone" });
    await page.goto(address);
    await page.evaluate(() => window.MathJax?.startup?.promise);
    await page.waitForFunction(() => [...document.querySelectorAll(".nc-explorable")].every((box) => box.view));
    const seen = await page.evaluate(look);
    row[`${form} screens`] = Math.round((10 * seen.height) / viewport.height) / 10;
    row[`${form} cut`] = `${seen.cutCode} + ${seen.cutPrinted}`;
    if (form === "desk") {
      row["open code"] = seen.code;
      row.printouts = seen.printed;
      row["code, % of height"] = Math.round((100 * seen.codeHeight) / seen.text);
      row["first to move, px"] = seen.moves;
    }
    await page.close();
  }
  rows.push(row);
}
await browser.close();
console.table(Object.fromEntries(rows.map(({ page, ...row }) => [page, row])));
const chapters = rows.filter(({ page }) => /^\d\d[a-z]?-/.test(page));
const sum = (key) => Math.round(chapters.reduce((total, row) => total + row[key], 0));
console.log(`Chapters: ${sum("phone screens")} screens of a phone, ${sum("open code")} cells of open code.`);
