// Drives the figures of one page: which form is seen at which width, what a theme and paper make of the
// colours, and the dialog that a click, a key and a tap open. Prints one JSON report.
//
//   node figures.mjs SITE PAGE

import { launch } from "../../tools/browser.mjs";
import * as look from "./page_checks.mjs";
import { serve } from "./server.mjs";
import { withoutFormulas } from "./work.mjs";

const [site, page] = process.argv.slice(2);
const server = await serve(site);
const browser = await launch();
const report = { forms: {}, colors: {} };

const seen = () =>
  [...document.querySelectorAll(".nc-figure")].map((figure) =>
    [...figure.querySelectorAll("svg")]
      .filter((form) => form.checkVisibility())
      .map((form) => form.getAttribute("class")),
  );
// The smallest letters of each figure as they are on the screen, in pixels.
const letters = () =>
  [...document.querySelectorAll(".nc-figure svg")]
    .filter((form) => form.checkVisibility())
    .map((form) => {
      const scale = form.getBoundingClientRect().width / form.viewBox.baseVal.width;
      const sizes = [...form.querySelectorAll("text")].map((text) =>
        Number.parseFloat(getComputedStyle(text).fontSize),
      );
      return Math.min(...sizes) * scale;
    });

async function open(options) {
  const context = await browser.newContext(options);
  await withoutFormulas(context);
  return context.newPage();
}

for (const width of [1280, 800, 390]) {
  const tab = await open({ viewport: { width, height: 900 } });
  await tab.goto(`${server.origin}/${page}`);
  await tab.evaluate(() => document.documentElement.classList.remove("nc-predicts"));
  await tab.evaluate(() => document.fonts.ready);
  report.forms[width] = {
    seen: await tab.evaluate(seen),
    letters: await tab.evaluate(letters),
    out: await tab.evaluate(look.figures),
  };
  if (width === 390) {
    const figure = tab.locator(".nc-figure").first();
    await figure.locator(".nc-drawing").click();
    report.tapped = await tab.evaluate(() => ({
      open: document.querySelector("dialog.nc-large").open,
      form: [...document.querySelectorAll("dialog svg")]
        .filter((form) => form.checkVisibility())[0]
        .getAttribute("class"),
    }));
  }
  await tab.context().close();
}

const ink = () => getComputedStyle(document.querySelector(".nc-figure svg.wide text")).fill;
for (const [name, options] of Object.entries({
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  paper: { colorScheme: "light", media: "print" },
})) {
  const tab = await open({ colorScheme: options.colorScheme });
  await tab.emulateMedia({ media: options.media ?? "screen" });
  await tab.goto(`${server.origin}/${page}`);
  report.colors[name] = await tab.evaluate(ink);
  await tab.context().close();
}

const tab = await open({ viewport: { width: 1280, height: 900 } });
await tab.goto(`${server.origin}/${page}`);
await tab.evaluate(() => document.documentElement.classList.remove("nc-predicts"));
const button = tab.locator(".nc-enlarge").first();
report.name = await button.getAttribute("aria-label");
const height = () => document.documentElement.scrollHeight;
const before = await tab.evaluate(height);
await button.focus();
await tab.keyboard.press("Enter");
report.opened = await tab.evaluate(() => {
  const dialog = document.querySelector("dialog.nc-large");
  return { open: dialog.open, name: dialog.getAttribute("aria-label"), words: dialog.innerText };
});
report.grown = (await tab.evaluate(height)) - before;
await tab.keyboard.press("Escape");
// A dialog tells that it is closed a moment later.
await tab.waitForFunction(() => document.querySelector(".nc-figure").firstElementChild.className).catch(() => {});
report.closed = await tab.evaluate(() => ({
  open: document.querySelector("dialog.nc-large").open,
  home: document.querySelector(".nc-figure").firstElementChild.className,
  focus: document.activeElement.className,
}));
await tab.locator(".nc-drawing").first().click();
await tab.getByRole("button", { name: "Close" }).click();
report.again = await tab.evaluate(() => document.querySelectorAll(".nc-figure > .nc-drawing").length);
await tab.context().close();

const still = await browser.newContext({ javaScriptEnabled: false });
const plain = await still.newPage();
await plain.goto(`${server.origin}/${page}`);
report.still = {
  forms: await plain.locator(".nc-figure svg.wide").count(),
  buttons: await plain.locator(".nc-enlarge").count(),
};
await browser.close();
server.close();
process.stdout.write(JSON.stringify(report));
