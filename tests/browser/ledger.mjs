// Uses the ledger of the built site as readers do, by keyboard, and writes what it saw as JSON.
//
//     CHROMIUM=/path/to/chromium node ledger.mjs SITE_FOLDER > report.json
//
// test_ledger.py compares the report with what should be there.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "../../tools/browser.mjs";
import { PATIENCE } from "./work.mjs";

const BOOK = `${pathToFileURL(resolve(process.argv[2]))}/book/`;
const browser = await launch(PATIENCE);

async function open(name, options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  await page.goto(BOOK + name, { waitUntil: "load" });
  return page;
}

// The claims that are seen, in their order, and what is said of them.
function look() {
  const rows = [...document.querySelectorAll("table.claims tbody tr")].filter((row) => row.checkVisibility());
  return {
    claims: rows.map((row) => row.id.replace("claim-", "")),
    said: document.querySelector(".claims-controls output")?.textContent ?? null,
    headings: [...document.querySelectorAll("article h2")].filter((one) => one.checkVisibility()).length,
  };
}

const report = {};
const plain = await open("claims.html", { javaScriptEnabled: false });
report.withoutScripts = await plain.locator("table.claims tbody tr:visible").count();
report.controlsWithoutScripts = await plain.locator(".claims-controls").count();

const page = await open("claims.html");
report.first = await page.evaluate(look);
report.choices = await page.locator(".claims-choice").allTextContents();
await page.locator(".claims-choice").first().focus();
await page.keyboard.press("Space");
report.pressed = await page.locator(".claims-choice").first().getAttribute("aria-pressed");
report.corrected = await page.evaluate(look);
await page.locator("#claims-words").focus();
await page.keyboard.type("theorem 4.3");
report.words = await page.evaluate(look);
await page.locator("#claims-order").selectOption("most instances first");
report.sorted = await page.evaluate(look);
await page.evaluate(() => {
  location.hash = "#claim-abstract-1";
});
await page.waitForFunction(() => !document.getElementById("claim-abstract-1").hidden);
report.followed = await page.evaluate(look);
await page.emulateMedia({ media: "print" });
report.controlsOnPaper = await page.locator(".claims-controls").isVisible();
await page.reload();
report.again = await page.evaluate(look);

const landing = await open("intro.html", { javaScriptEnabled: false });
report.totals = await landing.locator(".claims-totals li").allTextContents();
await browser.close();
process.stdout.write(JSON.stringify(report));
