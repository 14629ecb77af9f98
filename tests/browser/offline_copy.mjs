// Opens the unpacked offline copy from the file system, as a double click does, and works it like a
// reader: landing page, the form, an explorable, search, and on to a page that was found.
//
//     CHROMIUM=/path/to/chromium node offline_copy.mjs FOLDER > report.json

import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "../../tools/browser.mjs";
import * as look from "./page_checks.mjs";
import { PATIENCE } from "./work.mjs";

const FOLDER = resolve(process.argv[2]);
const HOME = pathToFileURL(FOLDER).href;

const browser = await launch(PATIENCE);
const context = await browser.newContext({ offline: true });
const page = await context.newPage();
page.setDefaultTimeout(PATIENCE);
const errors = [];
page.on("console", (message) => {
  if (["error", "warning"].includes(message.type())) errors.push(`console: ${message.text()}`);
});
page.on("pageerror", (error) => errors.push(`exception: ${error.message}`));
// One that the next page cut short is not missing.
page.on("requestfailed", (request) => {
  const reason = request.failure()?.errorText;
  if (reason !== "net::ERR_ABORTED") errors.push(`failed: ${request.url()} ${reason}`);
});
page.on("request", (request) => {
  const url = request.url();
  if (!url.startsWith(HOME) && !/^(data|blob):/.test(url)) errors.push(`foreign: ${url}`);
});

await page.goto(pathToFileURL(join(FOLDER, "index.html")).href);
await page.waitForURL("**/book/intro.html*");
await page.waitForLoadState();
await page.evaluate(() => window.MathJax.startup.promise);
await page.evaluate(() => document.fonts.ready);
const formulas = await page.evaluate(look.formulas);
const fonts = await page.evaluate(() =>
  [...document.fonts].filter(({ status }) => status === "loaded").map(({ family }) => family),
);

const form = page.locator("#your-counts");
await form.locator("[name=loss]").selectOption("paper");
await form.locator("[name=bias]").selectOption("free");
for (const [name, value] of [
  ["decay", "0.039"],
  ["low", "3.12"],
  ["high", "3.12"],
  ["counts", "60, 10, 10"],
]) {
  await form.locator(`[name=${name}]`).fill(value);
}
await page.waitForFunction(() =>
  /10 samples each/.test(document.querySelector("#your-counts .verdict:not(.stale)")?.textContent ?? ""),
);
const calculated = await form.locator(".verdict").textContent();

await page.locator(".nc-ways a").first().click();
await page.waitForURL("**/book/five-minutes.html");
await page.waitForSelector(".nc-explorable.nc-mounted", { state: "attached" });

const explorable = page.locator(".nc-explorable.nc-mounted").first();
await explorable.locator("input").first().focus();
await page.keyboard.press("End");
const explored = await explorable.locator(".nc-summary").textContent();
const marks = await explorable.locator(".nc-chart [class^='mark-'].role-mark > *").count();

await page.locator(".bd-sidebar-primary .search-button-field").click();
await page.keyboard.type("minority collapse");
await page.keyboard.press("Enter");
await page.waitForURL("**/search.html?q=*");
const results = page.locator("#search-results li a");
await results.first().waitFor();
const found = await results.allTextContents();
await results.filter({ hasText: "Features collapse to a simplex" }).first().click();
await page.waitForURL("**/book/01-collapse.html*");
const arrived = await page.locator("article h1").textContent();

await browser.close();
process.stdout.write(JSON.stringify({ errors, formulas, fonts, calculated, explored, marks, found, arrived }));
