// The browser that prints the book, measures it and tests it.

import { chromium } from "playwright-core";

// The one that CHROMIUM names, given so many ms to start.
export function launch(timeout) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM,
    timeout,
    // Without the sandbox, because tests in a container run as root; the pages are our own.
    chromiumSandbox: false,
    args: ["--disable-gpu"],
  });
}
