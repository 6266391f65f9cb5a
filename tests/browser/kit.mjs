// What all browser tests share: Debian's Chromium, pictures of pages, and a look for barriers.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

const modules = process.env.PAPPUS_BROWSER;
const require = createRequire(`${modules}/package.json`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const base = process.env.PAPPUS_URL.replace(/\/$/, "");
const pictures = process.env.PAPPUS_SCREENSHOTS;
export const password = process.env.PAPPUS_PASSWORD;

export const phone = { width: 390, height: 844 };
export const desktop = { width: 1280, height: 800 };

/** Ends the program with what is wrong. */
export function check(is, what) {
  if (!is) throw new Error(what);
}

/** A browser that trusts no certificate less than usual and reports what pages complain about. */
export async function open() {
  return chromium.launch({
    executablePath: process.env.PAPPUS_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}

/** A window: screen, colours, language, time zone; `script: false` switches scripts off. */
export async function window(browser, { screen = desktop, dark = false, language = "en", script = true, zone = "UTC" } = {}) {
  const context = await browser.newContext({
    viewport: screen,
    colorScheme: dark ? "dark" : "light",
    locale: language,
    timezoneId: zone,
    javaScriptEnabled: script,
    acceptDownloads: true,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const trouble = [];
  page.on("pageerror", (error) => trouble.push(`${page.url()}: ${error}`));
  page.on("console", (message) => {
    // Chromium says so of every answer from 400 on; the tests look at those themselves.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      trouble.push(`${page.url()}: ${message.text()}`);
    }
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base) && !request.url().startsWith("data:")) {
      trouble.push(`${page.url()} asks a third party: ${request.url()}`);
    }
  });
  return { page, context, trouble };
}

/** Fails when axe finds a barrier, or the page is wider than the screen. */
export async function noBarriers(page, name) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const results = await axe.run(document, { resultTypes: ["violations"] });
    return results.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).join(" | ")}`);
  });
  check(found.length === 0, `${name}: axe finds\n${found.join("\n")}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(wide <= 0, `${name}: the page is ${wide} pixels wider than the screen`);
}

/**
 * A page as it looks on a phone and on a desktop, light and dark; pictures are kept when asked for. Barriers are looked
 * for once in each size and in each colours.
 */
export async function looks(page, name) {
  for (const [size, screen] of Object.entries({ phone, desktop })) {
    for (const scheme of ["light", "dark"]) {
      if (!pictures && (size === "phone") !== (scheme === "light")) continue;
      await page.setViewportSize(screen);
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      if ((size === "phone") === (scheme === "light")) await noBarriers(page, `${name} (${size}, ${scheme})`);
      if (pictures) {
        mkdirSync(pictures, { recursive: true });
        await page.screenshot({ path: `${pictures}/${name}-${size}-${scheme}.png`, fullPage: true });
      }
    }
  }
  await page.setViewportSize(desktop);
}

/** The field that has the focus is on the screen, and its message beside it. */
export async function at(page, id) {
  const focused = await page.evaluate(() => document.activeElement?.id);
  check(focused === id, `the focus is at ${focused}, not at ${id}`);
  const [field, message] = await page.evaluate((id) => {
    const box = (node) => node?.getBoundingClientRect();
    const [one, two] = [box(document.getElementById(id)), box(document.getElementById(`${id}-problem`))];
    return [one && { top: one.top, bottom: one.bottom }, two && { top: two.top, bottom: two.bottom }];
  }, id);
  const height = page.viewportSize().height;
  check(field && field.top >= 0 && field.bottom <= height, `${id} is off the screen: ${JSON.stringify(field)}`);
  check(message && Math.abs(message.top - field.bottom) < 120, `the message is ${JSON.stringify(message)}, ${id} at ${JSON.stringify(field)}`);
}

/** Signs in by keyboard alone. */
export async function signIn(page, name) {
  await page.goto(`${base}/sign-in`);
  await page.focus("#name");
  await page.keyboard.type(name);
  await page.keyboard.press("Tab");
  await page.keyboard.type(password);
  await arrive(page, () => page.keyboard.press("Enter"));
}

/** Does something that leads to another page, and waits for that. */
export async function arrive(page, act) {
  await Promise.all([page.waitForEvent("framenavigated"), act()]);
  await page.waitForLoadState();
}
