// What is counted where a clock would tell how busy the machine is, and what keeps the trouble of one
// page to that page.

// How long one job may take before it counts as hung, in ms. A last resort: a machine with other work
// is slow, and not wrong. `make mutants` has less of it.
export const PATIENCE = Number(process.env.NCLIB_PATIENCE ?? 300_000);

// Of a job that was not done in its time.
export class Hung extends Error {}

// Waits for a job; one that hangs fails.
export async function within(job, patience = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Hung(`not done after ${patience / 1000} s`)), patience);
  });
  try {
    return await Promise.race([job(), late]);
  } finally {
    clearTimeout(timer);
  }
}

// As many as there are cores in the smallest place where this runs.
const AT_ONCE = 2;

// Runs the jobs in order, AT_ONCE of them at the same time.
export async function all(jobs) {
  const results = [];
  let next = 0;
  async function worker() {
    while (next < jobs.length) {
      const index = next++;
      results[index] = await jobs[index]();
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

// A function that says how long the main thread of a page has worked so far, in seconds of the
// CPU: they do not pass while others have it. From before the page is opened.
export async function meter(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  return async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value;
  };
}

// What one fixed calculation takes in this browser on this machine, three times: the unit for all other work.
export async function yardstick(page, worked) {
  const start = await worked();
  await page.evaluate(() => {
    let state = 1;
    for (let step = 0; step < 10_000_000; step++) state = (state * 16_807) % 2_147_483_647;
    return state;
  });
  return 3 * ((await worked()) - start);
}

// A page that has worked less than this, in s, while this many looks were taken, waits for something
// that does not come. However busy the machine is, it gives a page that has work more than that.
const IDLE = 0.4;
const LOOKS = 40;
const BETWEEN_LOOKS = 500;

// Waits for the moment from which nothing more moves: loaded, every formula set and every explorable
// drawn. Says whether it came.
export async function settled(page) {
  const worked = await meter(page);
  let over = false;
  const ready = page.evaluate(async () => {
    await window.MathJax?.startup?.promise;
    await document.fonts.ready;
    while (document.querySelector(".nc-explorable:not(.nc-mounted)")) {
      await new Promise((next) => setTimeout(next, 20));
    }
    return true;
  });
  async function idle() {
    const seen = [];
    while (!over) {
      seen.push(await worked());
      if (seen.length > LOOKS && seen.at(-1) - seen.at(-1 - LOOKS) < IDLE) return false;
      await new Promise((next) => setTimeout(next, BETWEEN_LOOKS));
    }
    return true;
  }
  try {
    return await Promise.race([ready, idle()]);
  } finally {
    over = true;
  }
}

// Leaves the formulas of a page as they are written: to set them is most of the work of opening it.
export function withoutFormulas(context) {
  return context.route(/mathjax/i, (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
}

// Waits by the page's own clock: what was set to happen there before that has then happened, however
// busy the machine is.
export function rest(page, ms) {
  return page.evaluate(async (ms) => {
    await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
    await new Promise((next) => setTimeout(next, ms));
    await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
  }, ms);
}

// From a key to the painted picture of the explorable: what it took, in ms.
export async function redraw(page, control, key) {
  await control.evaluate((node) => {
    window.redrawn = new Promise((done) => {
      node.addEventListener(
        "keydown",
        () => {
          const start = performance.now();
          // After the frame that shows it: a message comes later than the paint.
          requestAnimationFrame(() => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => done(performance.now() - start);
            port2.postMessage(null);
          });
        },
        { once: true },
      );
    });
  });
  await page.keyboard.press(key);
  return page.evaluate(() => window.redrawn);
}
