// Works the form of the landing page, and the pictures that move, as a reader would.
//
//     CHROMIUM=/path/to/chromium node moving.mjs SITE_FOLDER < questions.json > report.json
//
// Questions: {"states": [{control: value, ...}, ...], "texts": [...]}. test_moving.py compares the report.

import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "../../tools/browser.mjs";
import { serve } from "./server.mjs";
import { PATIENCE, rest, withoutFormulas } from "./work.mjs";

const SITE = resolve(process.argv[2]);
const { states, texts } = JSON.parse(await readFile("/dev/stdin", "utf8"));
const server = await serve(SITE);
const browser = await launch(PATIENCE);
const errors = [];
async function open(address, { before, ...options } = {}) {
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"], ...options });
  context.setDefaultTimeout(PATIENCE);
  await withoutFormulas(context);
  const page = await context.newPage();
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    if (message.location().url.endsWith("/favicon.ico")) return;
    if (["error", "warning"].includes(message.type())) errors.push(message.text());
  });
  if (before) await page.addInitScript(before);
  await page.goto(address);
  return page;
}
const home = `${server.origin}/book/intro.html`;

// Waits until the form has answered what it was last asked.
async function answered(page) {
  await rest(page, 200);
  await page.waitForSelector("#your-counts:has(.verdict:not(.stale))[data-state]", { state: "attached" });
}
const seen = (page) =>
  page.locator("#your-counts").evaluate((form) => ({
    state: form.dataset.state,
    found: form.querySelector(".found").textContent,
    verdict: form.querySelector(".verdict").textContent,
    note: form.querySelector(".note").textContent,
    help: [...form.querySelectorAll(".help li")].map((line) => line.textContent),
    rows: [...form.querySelectorAll(".rows tr")].map((row) => [...row.cells].map((cell) => cell.textContent)),
    bars: [...form.querySelectorAll(".nc-row .right")].map((bar) => Number(bar.getAttribute("width"))),
    command: form.querySelector(".command").textContent,
    spoken: form.querySelector(".spoken").textContent,
    address: location.search,
  }));
async function set(page, values) {
  for (const [name, value] of Object.entries(values)) {
    const control = page.locator(`#your-counts [name=${name}]`);
    if ((await control.evaluate((node) => node.tagName)) === "SELECT") await control.selectOption(value);
    else await control.fill(`${value}`);
  }
}

const page = await open(home);
await answered(page);
const report = { first: await seen(page), states: [] };
for (const state of states) {
  await page.getByRole("button", { name: "Reset" }).click();
  await set(page, state);
  await answered(page);
  report.states.push(await seen(page));
}
await rest(page, 400);
const address = page.url();
await page.reload();
await answered(page);
report.restored = { ...(await seen(page)), asked: address };

// Two readings: the other one, and the first again.
await page.getByRole("button", { name: "Reset" }).click();
report.texts = [];
for (const text of texts) {
  await page.locator("#your-counts [name=counts]").fill(text);
  await answered(page);
  const first = await seen(page);
  const other = page.locator("#your-counts .other");
  const offered = await other.isVisible();
  let second = null;
  let again = null;
  if (offered) {
    await other.click();
    await answered(page);
    second = await seen(page);
    await other.click();
    await answered(page);
    again = await seen(page);
  }
  report.texts.push({ first, second, again });
}

// Data sets, depths side by side, what is downloaded and copied.
await set(page, { preset: "mammography", loss: "paper", bias: "free", decay: "0.005", low: "0.01", high: "10" });
await answered(page);
report.preset = await seen(page);
await page.locator("#your-counts [name=layers]").check();
await page.waitForSelector("#your-counts .depth-6", { state: "attached" });
report.depths = await page
  .locator("#your-counts")
  .evaluate((form) =>
    [1, 3, 6].map((depth) =>
      [...form.querySelectorAll(`.depth.depth-${depth} title`)].map((title) => title.textContent),
    ),
  );
await page.locator("#your-counts [name=layers]").uncheck();
await page.waitForSelector("#your-counts .depth-6", { state: "detached" });
report.saved = {};
for (const name of ["save-table", "save-counts", "save-picture"]) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator(`#your-counts .${name}`).click()]);
  report.saved[name] = { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
}
await page.locator("#your-counts .copy").click();
report.link = await page.evaluate(() => navigator.clipboard.readText());
await rest(page, 400);
report.atEnd = page.url();

// The main thread while a thousand different counts are worked on, and typed again and again.
const busy = await open(home, {
  before: () => {
    window.long = [];
    new PerformanceObserver((list) => window.long.push(...list.getEntries().map(({ duration }) => duration))).observe({
      entryTypes: ["longtask"],
    });
  },
});
await answered(busy);
await set(busy, { loss: "mse", bias: "free", decay: "1e-6" });
await answered(busy);
await busy.evaluate(() => {
  window.long.length = 0;
});
await busy
  .locator("#your-counts [name=counts]")
  .fill(Array.from({ length: 1000 }, (_, k) => 5000 - 3 * k - (k % 3)).join("\n"));
await answered(busy);
await busy.waitForSelector("#your-counts .many", { state: "attached" });
report.thousand = { ...(await seen(busy)), rows: [], bars: [], long: await busy.evaluate(() => window.long) };

// Where there are no workers, and from the file system.
const poor = await open(home, {
  before: () => {
    window.Worker = class {
      constructor() {
        throw new Error("no workers");
      }
    };
  },
});
await answered(poor);
report.withoutWorkers = await seen(poor);
const local = await open(pathToFileURL(join(SITE, "book/intro.html")).href);
await answered(local);
report.fromFiles = await seen(local);
await local.locator("#your-counts [name=decay]").fill("1e-2");
await answered(local);
report.fromFilesMoved = await seen(local);

// The picture at the top: keyboard, pointer, layers, play.
const picture = page.locator("[data-picture=survival]");
const alive = () =>
  picture.evaluate((box) => ({ alive: Number(box.dataset.alive), says: box.querySelector(".readout").textContent }));
report.survival = { first: await alive() };
await picture.locator("input[type=range]").focus();
await page.keyboard.press("End");
report.survival.end = await alive();
await page.keyboard.press("Home");
report.survival.home = await alive();
const frame = await picture.locator("svg").boundingBox();
await page.mouse.move(frame.x + frame.width * 0.3, frame.y + 40);
await page.mouse.down();
await page.mouse.move(frame.x + frame.width * 0.7, frame.y + 40, { steps: 4 });
await page.mouse.up();
report.survival.dragged = await alive();
await picture.getByRole("radio", { name: "1" }).check();
report.survival.oneLayer = await alive();
const calm = await open(home, { reducedMotion: "reduce" });
await calm.getByRole("button", { name: "Raise λ" }).click();
report.survival.played = await calm.locator("[data-picture=survival]").evaluate((box) => Number(box.dataset.alive));

// The model that trains. With less motion it stands still, and steps are asked for.
const live = await open(`${server.origin}/book/live.html`, { reducedMotion: "reduce" });
const model = live.locator("[data-live=whole]");
const trained = () =>
  model.evaluate((box) => ({
    alive: Number(box.dataset.alive),
    best: Number(box.dataset.best),
    strengths: box.dataset.strengths.split(" ").map(Number),
  }));
const steps = async (times) => {
  for (let k = 0; k < times; k++) await model.getByRole("button", { name: "1,000 steps" }).click();
  return trained();
};
report.live = { still: [await trained(), await rest(live, 300).then(trained)], byDepth: {} };
for (const depth of ["1", "3"]) {
  await model.locator("[name=layers]").selectOption(depth);
  await model.locator("[name=lambda]").focus();
  await live.keyboard.press("Home");
  await model.locator("[name=size]").selectOption("2");
  const seenHere = [];
  for (const [key, times] of [
    ["Home", 1],
    ["PageUp", 5],
    ["Home", 1],
  ]) {
    await model.locator("[name=lambda]").focus();
    for (let k = 0; k < times; k++) await live.keyboard.press(key);
    seenHere.push(await steps(12));
  }
  report.live.byDepth[depth] = seenHere;
}
await model.locator("[name=lambda]").focus();
await live.keyboard.press("Home");
for (let k = 0; k < 3; k++) await live.keyboard.press("PageUp");
await model.locator("[name=size]").selectOption("0.1");
report.live.tiny = await steps(8);
await model.locator("[name=size]").selectOption("1");
await model.getByRole("button", { name: "Raise λ slowly" }).click();
report.live.slowly = await steps(4);
await model.locator("[name=set]").selectOption("two classes");
await model.locator("[name=bias]").uncheck();
report.live.others = await trained();
const running = await open(`${server.origin}/book/live.html`);
const step = () => running.locator("[data-live=whole] .readout").textContent();
await running.waitForFunction(() =>
  /Step [1-9]/.test(document.querySelector("[data-live=whole] .readout").textContent),
);
await running.getByRole("button", { name: "Pause" }).click();
report.live.paused = [await step(), await rest(running, 300).then(step)];

// An answer to an exercise, typed into its page.
const typed = await open(`${server.origin}/book/05-deep-head.html#ex-05-b`);
const line = typed.getByLabel("Your answer to 05-b.2");
report.typed = [];
for (const text of ["0.95", "0.4756"]) {
  await line.fill(text);
  await line.press("Enter");
  report.typed.push(await typed.locator(".nc-answer .verdict", { hasText: /\S/ }).textContent());
}

report.errors = errors;
await browser.close();
await server.close();
process.stdout.write(JSON.stringify(report));
