// Opens and shuts code on pages of the built site as readers do, and writes what it saw as JSON.
//
//     CHROMIUM=/path/to/chromium node folded_code.mjs SITE_FOLDER > report.json
//
// test_folded_code.py compares the report with what should be there.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "../../tools/browser.mjs";
import { serve } from "./server.mjs";
import { PATIENCE, withoutFormulas } from "./work.mjs";

const SITE = resolve(process.argv[2]);
const PAGE = "book/05-deep-head.html";
const OTHER = "book/06-spectrum.html";
const server = await serve(SITE);
const browser = await launch(PATIENCE);

// Cells whose code can be read, by the key of each; and of those in solutions, how many.
function seen() {
  const cells = [...document.querySelectorAll("details.nc-code")];
  const open = cells.filter((cell) => cell.open);
  return {
    cells: cells.length,
    inSolutions: cells.filter((cell) => cell.closest(".solution")).length,
    openInSolutions: open.filter((cell) => cell.closest(".solution")).length,
    open: open.filter((cell) => !cell.closest(".solution")).map((cell) => cell.dataset.key),
    switch: document.querySelector(".nc-code-switch")?.textContent ?? null,
  };
}

async function visit(options, steps) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE);
  await withoutFormulas(context);
  const page = await context.newPage();
  const errors = [];
  // The theme complains by itself where it can keep nothing.
  page.on("pageerror", (error) => error.stack.includes("page.js") && errors.push(error.stack));
  const report = await steps(page);
  await context.close();
  return { ...report, errors };
}

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const outside = "details.nc-code:not(.solution details) > summary";
const report = {};

for (const [name, from] of [
  ["served", server.origin],
  ["fromFiles", pathToFileURL(SITE).href],
]) {
  report[name] = await visit({}, async (page) => {
    const states = {};
    const note = async (state) => {
      states[state] = await page.evaluate(seen);
    };
    await page.goto(`${from}/${PAGE}`);
    await note("first");
    await page.locator(outside).nth(2).click();
    await page.locator(outside).nth(4).focus();
    await page.keyboard.press("Enter");
    await note("two opened");
    await page.reload();
    await note("two, again");
    await page.click(".nc-code-switch");
    await note("all opened");
    await page.locator(outside).nth(1).click();
    await note("one shut");
    await page.reload();
    await note("one shut, again");
    await page.goto(`${from}/${OTHER}`);
    await note("another page");
    await page.click(".nc-code-switch");
    await note("all shut");
    await page.goto(`${from}/${PAGE}`);
    await note("shut here, too");
    await page.goto(`${from}/book/notation.html`);
    await note("without code");
    return { states };
  });
}

report.nothingKept = await visit({}, async (page) => {
  await page.addInitScript(() => {
    Object.defineProperty(window, "localStorage", {
      get() {
        throw new DOMException("not allowed", "SecurityError");
      },
    });
  });
  await page.goto(`${server.origin}/${PAGE}`);
  await page.click(".nc-code-switch");
  return { opened: await page.evaluate(seen) };
});

// What somebody else has left there is no reason to stop.
report.otherKept = await visit({}, async (page) => {
  await page.addInitScript(() => {
    localStorage.setItem("nclib.code.all", "{");
    localStorage.setItem("nclib.code.cells", "7");
  });
  await page.goto(`${server.origin}/${PAGE}`);
  return { first: await page.evaluate(seen) };
});

report.withoutScripts = await visit({ javaScriptEnabled: false }, async (page) => {
  await page.goto(`${server.origin}/${PAGE}`);
  await page.locator(outside).first().click();
  const code = page.locator("details.nc-code[open] pre").first();
  return { seen: await page.evaluate(seen), readable: await code.isVisible() };
});

// Opened code is not cut, on a phone, a desk and on paper; what is shut stays off the paper.
report.wrapped = await visit(PHONE, async (page) => {
  await page.goto(`${server.origin}/${PAGE}`);
  await page.click(".nc-code-switch");
  const cut = () =>
    [...document.querySelectorAll("div.cell_input pre, div.cell_output .output pre")].filter(
      (code) => code.checkVisibility() && code.scrollWidth > code.clientWidth + 1,
    ).length;
  const onPhone = await page.evaluate(cut);
  await page.setViewportSize({ width: 1280, height: 800 });
  const onDesk = await page.evaluate(cut);
  await page.locator(outside).first().click();
  await page.emulateMedia({ media: "print" });
  return {
    onPhone,
    onDesk,
    onPaper: await page.evaluate(cut),
    printed: await page.locator("details.nc-code div.cell_input:visible").count(),
    open: (await page.evaluate(seen)).open.length + (await page.evaluate(seen)).openInSolutions,
    summaries: await page.locator("details.nc-code > summary:visible").count(),
  };
});

await browser.close();
server.close();
process.stdout.write(JSON.stringify(report));
