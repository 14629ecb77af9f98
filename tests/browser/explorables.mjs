// Moves every explorable of the built site by keyboard, in a real browser, and writes what it saw.
//
//     CHROMIUM=/path/to/chromium node explorables.mjs SITE_FOLDER < pages.json > report.json
//
// Pages: [[page, name of an explorable on it, whether it is visited in other ways too], ...].
// test_explorables_in_pages.py compares the report with the tables in Python.

import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "../../tools/browser.mjs";
import { serve } from "./server.mjs";
import { all, meter, PATIENCE, redraw, rest, within, withoutFormulas, yardstick } from "./work.mjs";

const SITE = resolve(process.argv[2]);
const pages = JSON.parse(await readFile("/dev/stdin", "utf8"));
const server = await serve(SITE);
const browser = await launch(PATIENCE);

// Which keys each control gets; each leads to another state, however many positions there are.
const MOVES = {
  start: ["Home"],
  end: ["End"],
  between: ["Home", "ArrowRight", "ArrowRight"],
};
// Arrow keys whose work is measured, for each control.
const MEASURED = 4;

// What the reader has before them.
function seen(box) {
  const drawn = [];
  (function collect(item) {
    if (item.marktype && item.role === "mark") drawn.push(...item.items.map(({ datum }) => datum));
    item.items?.forEach(collect);
  })(box.view.scenegraph().root);
  return {
    state: [...box.querySelectorAll(".nc-controls input, .nc-controls select")].map(
      (control) => control.selectedIndex ?? Number(control.value),
    ),
    // Without what Vega adds under symbols of its own.
    drawn: drawn.filter(Boolean).map((datum) => ({ ...datum })),
    marks: box.querySelectorAll(".nc-chart [class^='mark-'].role-mark > *").length,
    summary: box.querySelector(".nc-summary").textContent,
    spoken: box.querySelector(".nc-spoken").textContent,
    address: location.search,
  };
}

async function saved(page, button) {
  const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
}

async function tab(options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE);
  await withoutFormulas(context);
  return context.newPage();
}

// All pages of a browser have one clipboard.
let before = Promise.resolve();
function alone(job) {
  const done = before.then(job);
  before = done.catch(() => {});
  return done;
}

async function explore(name, id, again) {
  const page = await tab({ permissions: ["clipboard-read", "clipboard-write"] });
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    // The browser asks for an icon of the site by itself.
    if (message.location().url.endsWith("/favicon.ico")) return;
    if (["error", "warning"].includes(message.type())) errors.push(message.text());
  });
  const ready = async (address) => {
    await page.goto(address);
    await page.waitForSelector(`#${id}.nc-mounted`, { state: "attached" });
  };
  const box = page.locator(`#${id}`);
  const controls = box.locator(".nc-controls :is(input, select)");
  // Another explorable's state, and the form's, are already in the address.
  await ready(`${server.origin}/${name}?other.L=4&n=3,2,1`);

  const report = { first: await box.evaluate(seen), moved: [] };
  for (const keys of Object.values(MOVES)) {
    for (const control of await controls.all()) {
      await control.focus();
      for (const key of keys) await page.keyboard.press(key);
    }
    // The address follows when the keys have come to rest.
    await rest(page, 400);
    report.moved.push(await box.evaluate(seen));
  }
  await ready(page.url());
  report.restored = await box.evaluate(seen);

  report.svg = await saved(page, box.getByRole("button", { name: "Download picture (SVG)" }));
  report.csv = await saved(page, box.getByRole("button", { name: "Download all data (CSV)" }));
  report.moment = await saved(page, box.getByRole("button", { name: "Download data of this moment (CSV)" }));
  report.link = await alone(async () => {
    await box.getByRole("button", { name: "Copy link to this moment" }).click();
    return page.evaluate(() => navigator.clipboard.readText());
  });

  // One frame after each key, and what all of it took.
  report.frames = [];
  const worked = await meter(page);
  const unit = await yardstick(page, worked);
  let work = 0;
  let changes = 0;
  for (const control of await controls.all()) {
    await control.focus();
    await page.keyboard.press("Home");
    let state = String((await box.evaluate(seen)).state);
    for (let press = 0; press < MEASURED; press++) {
      const start = await worked();
      await redraw(page, control, "ArrowRight");
      const took = (await worked()) - start;
      const frame = await box.evaluate(seen);
      report.frames.push(frame);
      // At its end a slider stays where it is, and nothing is redrawn.
      if (String(frame.state) === state) continue;
      state = String(frame.state);
      work += took;
      changes += 1;
    }
  }
  report.work = work / changes / unit;

  // Tab stops at each control, shows where it is, and says what it is.
  report.stops = [];
  await controls.first().focus();
  for (let stop = 0; stop < (await controls.count()) + 1 + (await box.getByRole("button").count()); stop++) {
    report.stops.push(
      await page.evaluate((id) => {
        const node = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(node);
        return {
          inside: Boolean(node.closest(`#${id}`)),
          outlined: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
          label: node.labels?.[0]?.textContent ?? node.getAttribute("aria-label"),
        };
      }, id),
    );
    await page.keyboard.press("Tab");
  }

  report.dragged = await dragged(page, box);
  report.read = await read(page, box);
  await box.getByRole("button", { name: "Reset" }).click();
  await rest(page, 400);
  report.reset = await box.evaluate(seen);
  report.played = await played(page, box);

  // A phone that is turned, a window that is pulled wide.
  report.widths = [];
  for (const width of [390, 844, 390, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    await rest(page, 300);
    report.widths.push(
      await box
        .locator(".nc-chart")
        .evaluate((chart) => [chart.clientWidth, chart.querySelector("svg").getBoundingClientRect().width]),
    );
  }

  await page.emulateMedia({ media: "print" });
  report.printed = await box.evaluate(shown);
  report.errors = errors;
  await page.context().close();
  return again ? { ...report, ...(await otherVisits(name, id)) } : report;
}

// While the chart is being made, on a phone, without scripts, and from the file system.
async function otherVisits(name, id) {
  const report = { early: await early(name, id), targets: await targets(name, id) };

  const plain = await tab({ javaScriptEnabled: false });
  await plain.goto(`${server.origin}/${name}`);
  report.withoutScripts = await plain.locator(`#${id}`).evaluate(shown);
  await plain.context().close();

  const local = await tab();
  await local.goto(pathToFileURL(join(SITE, name)).href);
  await local.waitForSelector(`#${id}.nc-mounted`, { state: "attached" });
  await local.locator(`#${id} .nc-controls :is(input, select)`).first().focus();
  await local.keyboard.press("End");
  report.fromFiles = await local.locator(`#${id}`).evaluate(seen);
  await local.context().close();
  return report;
}

const middle = async (locator) => {
  const { x, y, width, height } = await locator.boundingBox();
  return [x + width / 2, y + height / 2];
};

// Every handle is taken and moved to the left, or to the right where that leads nowhere.
async function dragged(page, box) {
  const found = [];
  await box.getByRole("button", { name: "Reset" }).click();
  const knobs = await box.locator(".nc-knob").all();
  for (const knob of knobs) {
    await box.locator(".nc-stage").evaluate((stage) => stage.scrollIntoView({ block: "center" }));
    const before = (await box.evaluate(seen)).state;
    const [x, y] = await middle(knob);
    for (const way of [-1, 1]) {
      const to = x + way * 50;
      await page.mouse.move(x, y);
      await page.mouse.down();
      for (const share of [0.3, 0.7, 1]) await page.mouse.move(x + (to - x) * share, y);
      const now = await box.evaluate(seen);
      const [at] = await middle(knob);
      await page.mouse.up();
      const spoken = await box.locator(".nc-spoken").textContent();
      found.push({ before, now, from: x, to, at, spoken });
      await box.getByRole("button", { name: "Reset" }).click();
      await box.locator(".nc-stage").evaluate((stage) => stage.scrollIntoView({ block: "center" }));
    }
  }
  return found;
}

// What is said of marks: by the arrow keys, one by one, and under the pointer.
async function read(page, box) {
  const bubble = box.locator(".nc-bubble");
  await box.locator(".nc-controls :is(input, select)").last().focus();
  await page.keyboard.press("Tab");
  const keys = [];
  for (let press = 0; press < 3; press++) {
    keys.push({ text: await bubble.innerText(), spoken: await box.locator(".nc-spoken").textContent() });
    await page.keyboard.press("ArrowRight");
  }
  await page.keyboard.press("Tab");
  const left = await bubble.isHidden();
  // One that nothing lies on.
  const place = await box.evaluate((box) => {
    box.querySelector(".nc-stage").scrollIntoView({ block: "center" });
    const marks = [];
    (function collect(item) {
      if (item.tooltip && item._svg) marks.push(item);
      item.items?.forEach(collect);
    })(box.view.scenegraph().root);
    for (const { _svg, tooltip } of marks.reverse()) {
      const { left, top, width, height } = _svg.getBoundingClientRect(),
        at = [left + width / 2, top + height / 2];
      if (document.elementFromPoint(...at) === _svg) return { at, told: Object.values(tooltip).map(String) };
    }
  });
  await page.mouse.move(...place.at);
  await page.mouse.move(place.at[0] + 1, place.at[1]);
  const hovered = await bubble.innerText();
  await page.mouse.move(2, 2);
  return { keys, left, hovered, told: place.told };
}

// One that does not move is looked at no more often than this.
const LOOKS = 2000;

// Played: some positions on, and stopped where it is; with reduced motion at the end at once.
async function played(page, box) {
  const state = async () => (await box.evaluate(seen)).state;
  const button = box.getByRole("button", { name: "Play" });
  if (!(await button.count())) return null;
  const moving = [await state()];
  await button.click();
  for (let looks = 0; moving.length < 4 && looks < LOOKS; looks++) {
    const now = await state();
    if (String(now) !== String(moving.at(-1))) moving.push(now);
    await rest(page, 20);
  }
  // At its end it has stopped by itself.
  const stop = box.getByRole("button", { name: "Pause" });
  if (await stop.count()) await stop.click();
  const stopped = await state();
  await rest(page, 600);
  const later = await state();
  await box.getByRole("button", { name: "Reset" }).click();
  await page.emulateMedia({ reducedMotion: "reduce" });
  await button.click();
  const still = await state();
  await rest(page, 600);
  const stillLater = await state();
  await page.emulateMedia({ reducedMotion: "no-preference" });
  return { moving, stopped, later, still, stillLater };
}

// The tools on a phone: how large they are, and whether in one row.
async function targets(name, id) {
  const page = await tab({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await page.goto(`${server.origin}/${name}`);
  await page.waitForSelector(`#${id}.nc-mounted`, { state: "attached" });
  const found = await page.locator(`#${id}`).evaluate((box) => ({
    tools: [...box.querySelectorAll(".nc-tools button")].map((button) => {
      const { width, height, top, right } = button.getBoundingClientRect();
      return { width, height, top, right };
    }),
    right: box.getBoundingClientRect().right,
    // Text of axes, legends and titles that is cut off by the picture's edge.
    cut: [...box.querySelectorAll(".nc-chart svg text")]
      .filter((text) => {
        const inner = text.getBoundingClientRect(),
          outer = text.closest("svg").getBoundingClientRect();
        return (
          text.textContent &&
          (inner.left < outer.left - 1 ||
            inner.right > outer.right + 1 ||
            inner.top < outer.top - 1 ||
            inner.bottom > outer.bottom + 1)
        );
      })
      .map((text) => text.textContent),
  }));
  await page.context().close();
  return found;
}

// What a reader can do while the chart is still being made, and what is there when it is.
async function early(name, id) {
  const page = await tab();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  // Charts are made when the test says so.
  await page.addInitScript(() => {
    let embed;
    const told = new Promise((go) => {
      window.makeCharts = go;
    });
    Object.defineProperty(window, "vegaEmbed", {
      get: () =>
        embed &&
        (async (...all) => {
          await told;
          return embed(...all);
        }),
      set: (value) => {
        embed = value;
      },
    });
  });
  await page.goto(`${server.origin}/${name}`);
  const box = page.locator(`#${id}`);
  await box.locator(".nc-live").waitFor({ state: "attached" });
  const before = await box.evaluate(shown);
  before.reached = await box.evaluate((node) => {
    const controls = [...node.querySelectorAll(":is(input, select, button)")];
    const focused = controls.filter((control) => {
      control.focus();
      return document.activeElement === control;
    });
    return { controls: controls.length, focused: focused.length };
  });
  await page.evaluate(() => window.makeCharts());
  await page.waitForSelector(`#${id}.nc-mounted`);
  await box.locator(".nc-controls :is(input, select)").first().focus();
  await page.keyboard.press("End");
  const after = await box.evaluate(seen);
  await page.context().close();
  return { before, after, errors };
}

// What of it is on the page: the picture of the default state, or what moves.
function shown(box) {
  const visible = (selector) => box.querySelector(selector)?.checkVisibility() ?? false;
  return {
    picture: visible(".nc-static svg"),
    caption: box.querySelector("figcaption").innerText,
    live: box.querySelector(".nc-live")?.checkVisibility({ visibilityProperty: true }) ?? false,
  };
}

const reports = await all(
  pages.map(([page, name, again]) => async () => {
    // One that hangs or breaks off leaves the others alone.
    const found = await within(() => explore(page, `explorable-${name}`, again)).catch((error) => ({
      broke: error.message,
    }));
    return { page, name, ...found };
  }),
);
await browser.close();
server.close();
process.stdout.write(JSON.stringify(reports));
