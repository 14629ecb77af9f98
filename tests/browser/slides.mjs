// Opens decks of slides from the file system, without a network, and goes through all of them; in the
// first it works what moves, on a screen that is larger than the slides.
//
//     CHROMIUM=/path/to/chromium node slides.mjs DECK.html... > report.json

import { parse } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "../../tools/browser.mjs";
import { PATIENCE } from "./work.mjs";

const SIZE = { width: 1280, height: 720 };

const browser = await launch(PATIENCE);

// Runs in the browser: the slide that is shown, with what is cut off or outside of it.
function look({ width, height }) {
  const section = window.Reveal.getCurrentSlide();
  const cut = [];
  for (const node of section.querySelectorAll(".slide *")) {
    if (node.closest("mjx-container > *, svg > *, .spoken, .nc-spoken, option") || !node.checkVisibility()) continue;
    const box = node.getBoundingClientRect();
    const { display, overflowX } = getComputedStyle(node);
    const clipped = display !== "inline" && overflowX !== "visible" && node.scrollWidth > node.clientWidth + 1;
    if (box.left < -1 || box.top < -1 || box.right > width + 1 || box.bottom > height + 1 || clipped)
      cut.push(`${node.tagName} ${node.className}: ${node.textContent.trim().slice(0, 40)}`);
  }
  return {
    title: section.querySelector("h1, h2").textContent,
    size: Number.parseFloat(getComputedStyle(section.querySelector(".slide")).fontSize),
    notes: section.querySelector(".notes").textContent.trim(),
    raw: /\\\(|\\\[/.test(section.textContent),
    cut,
  };
}

const errors = [];
async function open(path, viewport) {
  const context = await browser.newContext({ offline: true, viewport });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) errors.push(`${path}: ${message.text()}`);
  });
  page.on("pageerror", (error) => errors.push(`${path}: ${error.message}`));
  page.on("request", (request) => {
    if (!request.isNavigationRequest() && !/^(data|blob):/.test(request.url())) errors.push(`asked: ${request.url()}`);
  });
  await page.goto(pathToFileURL(path).href);
  await page.waitForSelector("html[data-ready]", { state: "attached" });
  return page;
}

const paths = process.argv.slice(2);
const decks = {};
for (const path of paths) {
  const page = await open(path, SIZE);
  const slides = [];
  for (let last = false; !last; ) {
    slides.push(await page.evaluate(look, SIZE));
    last = await page.evaluate(() => window.Reveal.isLastSlide());
    await page.keyboard.press("ArrowRight");
  }
  decks[parse(path).name] = slides;
  await page.context().close();
}

// One and a half times as large.
const page = await open(paths[0], { width: 1920, height: 1080 });
const goTo = (inside) =>
  page.evaluate((inside) => {
    const slides = window.Reveal.getSlides();
    window.Reveal.slide(slides.findIndex((slide) => slide.querySelector(inside)));
  }, inside);
const worked = {};

await goTo("#your-counts");
const verdict = page.locator("#your-counts .verdict");
await page.waitForSelector("#your-counts[data-state=shown] .verdict:not(.stale)");
worked.oneLayer = await verdict.textContent();
await page.getByRole("button", { name: "two layers" }).click();
await page.waitForFunction((before) => {
  const now = document.querySelector("#your-counts .verdict:not(.stale)");
  return now && now.textContent !== before;
}, worked.oneLayer);
worked.twoLayers = await verdict.textContent();

await goTo("[data-name=lemma]");
const lemma = page.locator("[data-name=lemma]");
worked.before = await lemma.locator(".nc-summary").textContent();
await page.getByRole("button", { name: "after" }).click();
worked.after = await lemma.locator(".nc-summary").textContent();
await lemma.locator("[name=L]").focus();
await page.keyboard.press("Home");
worked.moved = await lemma.locator(".nc-summary").textContent();

// The speaker's window has the notes. Keys belong to the slides where no control has them.
await page.evaluate(() => document.activeElement.blur());
const [speaker] = await Promise.all([page.context().waitForEvent("page"), page.keyboard.press("s")]);
const notes = speaker.locator(".speaker-controls-notes .value");
await notes.filter({ hasText: /\S/ }).waitFor();
worked.notes = await notes.textContent();
await speaker.close();

// A line that is dragged stays under the pointer, at any scale.
await goTo("[data-name=survival]");
const knob = page.locator("[data-name=survival] .nc-knob").first();
const middle = async () => {
  const { x, y, width, height } = await knob.boundingBox();
  return [x + width / 2, y + height / 2];
};
const [x, y] = await middle();
await page.mouse.move(x, y);
await page.mouse.down();
await page.mouse.move(x - 200, y, { steps: 4 });
await page.mouse.move(x - 400, y, { steps: 4 });
await page.mouse.up();
worked.dragged = (await middle())[0] - x;

await goTo("[data-live]");
const step = () => page.locator("[data-live] .readout").first().textContent();
await page.waitForFunction(() => /Step [1-9]/.test(document.querySelector("[data-live] .readout").textContent));
const first = await step();
await page.waitForFunction((before) => document.querySelector("[data-live] .readout").textContent !== before, first);
worked.steps = [first, await step()];

await browser.close();
process.stdout.write(JSON.stringify({ decks, worked, errors }));
