// Guesses on pages of the built site as readers do, and writes what it saw as JSON.
//
//     CHROMIUM=/path/to/chromium node predictions.mjs SITE_FOLDER > report.json
//
// test_predictions.py compares the report with what should be there.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "../../tools/browser.mjs";
import { serve } from "./server.mjs";
import { PATIENCE, settled, withoutFormulas } from "./work.mjs";

const SITE = resolve(process.argv[2]);
const PAGE = "book/02-model.html";
const OTHER = "book/01-collapse.html";
const server = await serve(SITE);
const browser = await launch(PATIENCE);

// Of each question: what can be read and what a screen reader is told.
function seen() {
  const visible = (element) => {
    const { width, height } = element.getBoundingClientRect();
    return width > 0 && height > 0 && getComputedStyle(element).visibility === "visible";
  };
  const text = (element) => element.textContent.replace(/\s+/g, " ").trim();
  return [...document.querySelectorAll(".nc-predict")].map((box) => {
    const buttons = [...box.querySelectorAll("fieldset button")];
    const covered = [...document.querySelectorAll(`.nc-covered.${box.id}`)];
    // What is printed as text is folded with its code.
    const outputs = covered.filter((output) => !output.closest("details.nc-code"));
    const printouts = covered.filter((output) => output.closest("details.nc-code"));
    return {
      legend: box.querySelector("legend")?.textContent ?? null,
      choices: buttons.filter(visible).length,
      pressed: buttons.filter((button) => button.getAttribute("aria-pressed") === "true").map(text),
      listed: [...box.querySelectorAll(".nc-choices > li")].filter(visible).length,
      said: [...box.querySelectorAll("[role=status]")].map(text).join(),
      other: box.querySelector(".other") && visible(box.querySelector(".other")) && text(box.querySelector(".other")),
      answer: visible(box.nextElementSibling),
      meanings: [...box.nextElementSibling.querySelectorAll(".nc-meanings > li")].filter(visible).length,
      outputs: outputs.length,
      outputsSeen: outputs.filter(visible).length,
      printouts: printouts.length,
      printoutsOpen: printouts.filter((output) => getComputedStyle(output).visibility === "visible").length,
    };
  });
}

// Where the focus is: the words of it, or what covers it.
const focus = () => {
  const element = document.activeElement;
  return element.matches(".nc-covered") ? "output" : element.textContent.replace(/\s+/g, " ").trim();
};

async function visit(options, steps) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE);
  await withoutFormulas(context);
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => error.stack.includes("predict.js") && errors.push(error.stack));
  const report = await steps(page);
  await context.close();
  return { ...report, errors };
}

// Loads a page again. A busy browser may load a file before it has stored what the page left.
async function again(page, question) {
  const open = () => page.evaluate((k) => document.querySelectorAll(".nc-predict .other")[k].textContent, question);
  const before = await open();
  for (let tries = 0; tries < 20; tries++) {
    await page.reload();
    if ((await open()) === before) return;
    await page.waitForTimeout(250);
  }
}

const report = {};

for (const [name, from] of [
  ["served", server.origin],
  ["fromFiles", pathToFileURL(SITE).href],
]) {
  report[name] = await visit({}, async (page) => {
    const states = {};
    const note = async (state) => {
      states[state] = { seen: await page.evaluate(seen), focus: await page.evaluate(focus) };
    };
    await page.goto(`${from}/${PAGE}`);
    await note("first");
    await page.locator(".nc-predict fieldset button").first().focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await note("chosen");
    await again(page, 0);
    await settled(page);
    await note("chosen, again");
    await page.goto(`${from}/${OTHER}`);
    await note("another page");
    await page.goto(`${from}/${PAGE}`);
    await page.locator(".nc-predict .other").first().focus();
    await page.keyboard.press("Enter");
    await note("taken back");
    await again(page, 0);
    await note("taken back, again");
    await page.keyboard.press("Tab");
    await page.locator(".nc-cover button").first().focus();
    await page.keyboard.press("Enter");
    await note("shown");
    await again(page, 0);
    await note("shown, again");
    await page.emulateMedia({ media: "print" });
    await note("printed");
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
  await page.locator(".nc-predict fieldset button").first().click();
  return { seen: await page.evaluate(seen) };
});

// What somebody else has left there is no reason to stop.
report.otherKept = await visit({}, async (page) => {
  await page.goto(`${server.origin}/${PAGE}`);
  const key = "nclib.predict.book/02-model";
  const found = [];
  for (const text of ["{", "7", "null", '{"ID": 9}', '{"ID": "length"}']) {
    await page.evaluate(
      ([key, text]) => localStorage.setItem(key, text.replace("ID", document.querySelector(".nc-predict").id)),
      [key, text],
    );
    await page.reload();
    found.push((await page.evaluate(seen))[0]);
  }
  return { found };
});

report.withoutScripts = await visit({ javaScriptEnabled: false }, async (page) => {
  await page.goto(`${server.origin}/${PAGE}`);
  return { seen: await page.evaluate(seen) };
});

report.printed = await visit({}, async (page) => {
  await page.goto(`${server.origin}/${PAGE}`);
  await page.emulateMedia({ media: "print" });
  return { seen: await page.evaluate(seen), covers: await page.locator(".nc-cover:visible").count() };
});

await browser.close();
server.close();
process.stdout.write(JSON.stringify(report));
