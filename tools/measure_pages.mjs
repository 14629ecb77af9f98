// Measures what the built book asks of its readers, and writes it as tables in Markdown.
//
//     CHROMIUM=/path/to/chromium node tools/measure_pages.mjs _build/html [PAGE ...]
//
// A screen is 844 px high on a phone (390 px wide) and 800 px on a desk (1280 px wide). Pages are as a
// reader finds them at first: what is folded counts with its title alone. Whether code, printouts and
// tables are cut, wider than the box that they scroll in, is seen with all code opened. Pages that begin
// with the same number are one chapter, and its figures are sums. The weight of a page is what a first
// visit fetches, compressed. The rank of a page is its place in what the book's own search finds.
//
// With the names of some pages it measures these, and neither totals nor the search.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { serve } from "../tests/browser/server.mjs";
import { launch } from "./browser.mjs";

const [SITE, ...ASKED] = process.argv.slice(2);
const FORMS = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 800 } };
const QUERIES = JSON.parse(await readFile(new URL("../tests/browser/queries.json", import.meta.url), "utf8"));
// Ranks below this are one: nobody looks there.
const LAST_RANK = 20;

// Runs in the browser.
function look() {
  const article = document.querySelector("article.bd-article");
  const shown = (node) => node.checkVisibility({ visibilityProperty: true }) && node.getBoundingClientRect().height > 0;
  const all = (selector) => [...article.querySelectorAll(selector)].filter(shown);
  const height = (nodes) => nodes.reduce((sum, node) => sum + node.getBoundingClientRect().height, 0);
  const cut = (nodes) => nodes.filter((node) => node && node.scrollWidth > node.clientWidth + 1).length;
  const code = () => all("div.cell_input");
  const printed = () => all("div.cell_output .output, .nc-code .output").filter((node) => node.querySelector("pre"));
  const moving = all(".nc-explorable, .nc-moving, .nc-box")[0];
  const found = {
    height: document.querySelector("main").scrollHeight,
    text: article.getBoundingClientRect().height,
    cells: article.querySelectorAll("div.cell_input").length,
    code: code().length,
    printed: printed().length,
    codeHeight: height([...code(), ...printed()]),
    moves: moving ? Math.round(moving.getBoundingClientRect().top + scrollY) : null,
    // Pictures of bits stay white where the page is dark.
    bits: [...article.querySelectorAll("img")].filter((image) => !/\.svg$/.test(new URL(image.src).pathname)).length,
  };
  for (const folded of article.querySelectorAll("details.nc-code")) folded.open = true;
  return {
    ...found,
    cutCode: cut(code().map((node) => node.querySelector("pre"))),
    cutPrinted: cut(printed().map((node) => node.querySelector("pre"))),
    cutTables: cut(all("table").map((node) => (node.scrollWidth > node.clientWidth + 1 ? node : node.parentElement))),
  };
}

const server = await serve(resolve(SITE));
const browser = await launch();

// A page as it opens for the first time, complete; `requests` is what it fetched.
async function open(address, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const requests = new Set();
  page.on("request", (request) => requests.add(request.url()));
  await page.goto(address);
  await page.evaluate(() => window.MathJax?.startup?.promise);
  await page.evaluate(() => document.fonts.ready);
  await page.waitForFunction(() => [...document.querySelectorAll(".nc-explorable")].every((box) => box.view));
  return { page, requests, close: () => context.close() };
}

async function measured(address) {
  const row = { page: new URL(address).pathname.split("/").pop().replace(".html", "") };
  for (const [form, viewport] of Object.entries(FORMS)) {
    const { page, requests, close } = await open(address, { viewport, isMobile: form === "phone" });
    const seen = await page.evaluate(look);
    row[form] = { ...seen, screens: seen.height / viewport.height };
    if (form === "desk") {
      row.bytes = [...requests]
        .filter((url) => url.startsWith(server.origin))
        .reduce((sum, url) => sum + server.weight(new URL(url).pathname), 0);
    }
    await close();
  }
  return row;
}

// The place of a page among those that the search finds; null where it is not among the first.
async function rank(query, name) {
  const page = await browser.newPage();
  await page.goto(`${server.origin}/search.html?q=${encodeURIComponent(query)}`);
  await page.waitForSelector("#search-results li a");
  const found = await page.$$eval("#search-results li a", (links) => [
    ...new Set(links.map(({ href }) => new URL(href).pathname.split("/").pop())),
  ]);
  await page.close();
  const place = found.slice(0, LAST_RANK).indexOf(name);
  return place < 0 ? null : place + 1;
}

const table = (head, rows) =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
const tenth = (number) => number.toFixed(1);
const percent = (share) => `${Math.round(100 * share)} %`;
const sum = (rows, get) => rows.reduce((total, row) => total + get(row), 0);

const { page: first, close } = await open(`${server.origin}/book/intro.html`, {});
const links = await first.$$eval("nav.bd-links a.internal", (list) => list.map((link) => link.href.replace(/#.*/, "")));
await close();
const pages = [...new Set([`${server.origin}/book/intro.html`, ...links])].filter(
  (page) => !ASKED.length || ASKED.some((name) => page.includes(name)),
);
const rows = [];
for (const address of pages) {
  console.error(`${rows.length + 1} of ${pages.length}: ${address.split("/").pop()}`);
  rows.push(await measured(address));
}

const line = (name, some) => [
  name,
  tenth(sum(some, ({ phone }) => phone.screens)),
  tenth(sum(some, ({ desk }) => desk.screens)),
  `${sum(some, ({ desk }) => desk.code)} of ${sum(some, ({ desk }) => desk.cells)}`,
  sum(some, ({ desk }) => desk.printed),
  percent(sum(some, ({ desk }) => desk.codeHeight) / sum(some, ({ desk }) => desk.text)),
  ...["desk", "phone"].map((form) =>
    ["cutCode", "cutPrinted", "cutTables"].map((what) => sum(some, (row) => row[form][what])).join(" + "),
  ),
  some.find(({ desk }) => desk.moves !== null)?.desk.moves ?? "none",
  sum(some, ({ desk }) => desk.bits),
  (Math.max(...some.map(({ bytes }) => bytes)) / 1e6).toFixed(2),
];
const names = new Map();
for (const row of rows) {
  const name = /^\d\d/.test(row.page) ? row.page.slice(0, 2) : /^api\b/.test(row.page) ? "api" : row.page;
  names.set(name, [...(names.get(name) ?? []), row]);
}
console.log(
  table(
    [
      "page, or chapter",
      "phone screens",
      "desk screens",
      "cells open",
      "printouts open",
      "height of both",
      "cut at 1280 px (cells + printouts + tables)",
      "cut at 390 px",
      "first to move, px",
      "PNG",
      "heaviest page, MB",
    ],
    [...names].map(([name, some]) => line(some.length > 1 ? `${name} (${some.length} pages)` : name, some)),
  ),
);

if (!ASKED.length) {
  const chapters = rows.filter(({ page }) => /^(0[1-9]|1[0-2])/.test(page));
  // Chapters 1 to 12 of that time: no losses, no relatives, but "Your data" and the errata.
  const ofOld = rows.filter(({ page }) => /^(0[0-8]|1[014])/.test(page));
  const shares = [...names]
    .filter(([name]) => /^(0[1-9]|1[0-2])$/.test(name))
    .map(([, some]) => sum(some, ({ desk }) => desk.codeHeight) / sum(some, ({ desk }) => desk.text));
  const moves = chapters.map(({ desk }) => desk.moves).filter((place) => place !== null);
  const ranks = [];
  for (const [query, name] of Object.entries(QUERIES)) ranks.push([query, name, await rank(query, name)]);
  // What was measured on the book before its pages were laid out for readers.
  console.log(
    `\n${table(
      ["chapters 1 to 12", "before", "now"],
      [
        [
          "code cells that stand open",
          "384 of 384",
          `${sum(chapters, ({ desk }) => desk.code)} of ${sum(chapters, ({ desk }) => desk.cells)}`,
        ],
        ["cells cut at 1280 px, all opened", "206", sum(chapters, ({ desk }) => desk.cutCode)],
        ["cells cut at 390 px, all opened", "nearly all", sum(chapters, ({ phone }) => phone.cutCode)],
        ["printouts that stand open", "246", sum(chapters, ({ desk }) => desk.printed)],
        ["printouts cut at 1280 px, all opened", "181", sum(chapters, ({ desk }) => desk.cutPrinted)],
        ["printouts cut at 390 px, all opened", "nearly all", sum(chapters, ({ phone }) => phone.cutPrinted)],
        [
          "height that is code and printouts",
          "29 to 34 %",
          `${percent(Math.min(...shares))} to ${percent(Math.max(...shares))}`,
        ],
        [
          "pixels above the first thing to move, landing page",
          "1,630",
          rows.find(({ page }) => page === "intro").desk.moves,
        ],
        ["the same in a chapter, least and most", "", `${Math.min(...moves)} to ${Math.max(...moves)}`],
        ["screens of a phone", "", tenth(sum(chapters, ({ phone }) => phone.screens))],
        ["screens of a phone, the twelve chapters of before", "401", tenth(sum(ofOld, ({ phone }) => phone.screens))],
        [
          "screens of a phone, reference of the library",
          "157",
          tenth(sum(names.get("api"), ({ phone }) => phone.screens)),
        ],
        ["heaviest page, MB compressed", "", (Math.max(...rows.map(({ bytes }) => bytes)) / 1e6).toFixed(2)],
        ["pictures that stay white in the dark, all pages", "", sum(rows, ({ desk }) => desk.bits)],
      ],
    )}`,
  );
  console.log(
    `\n${table(
      ["query", "page with the answer", "rank"],
      ranks.map(([query, name, place]) => [query, name, place ?? `not in ${LAST_RANK}`]),
    )}`,
  );
}
await browser.close();
server.close();
