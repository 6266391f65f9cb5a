// The states of the newcomers' door in which somebody has to wait, or cannot go on: each page in both sizes and both
// colours, without barriers, and with a way on. PAPPUS_PAGES lists name, path and a text of the page.

import { arrive, base, check, desktop, noBarriers, open, phone, signIn, window } from "./kit.mjs";
import { mkdirSync } from "node:fs";

const pages = JSON.parse(process.env.PAPPUS_PAGES);
const pictures = process.env.PAPPUS_SCREENSHOTS;
const browser = await open();
const trouble = [];
try {
  for (const [name, path, says, german] of pages) {
    for (const [language, text] of [["en", says], ["de-DE", german]]) {
      const one = await window(browser, { language });
      const { page } = one;
      if (path.startsWith("/board/")) await signIn(page, "greta");
      await page.goto(`${base}${path}`);
      // A private link asks before it gives the secret to a browser.
      if (path.includes("/back/")) await arrive(page, () => page.click("main form button"));
      check((await page.textContent("main")).includes(text), `${name}: no ${text}: ${await page.textContent("main")}`);
      for (const [size, screen] of Object.entries({ phone, desktop })) {
        for (const scheme of ["light", "dark"]) {
          await page.setViewportSize(screen);
          await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
          await noBarriers(page, `${name} (${language}, ${size}, ${scheme})`);
          if (pictures && language === "en") {
            mkdirSync(pictures, { recursive: true });
            await page.screenshot({ path: `${pictures}/door-${name}-${size}-${scheme}.png`, fullPage: true });
          }
        }
      }
      // Nobody is left without anything to do.
      const ways = await page.$$eval("main a[href], main button", (all) => all.length);
      check(ways > 0, `${name}: a dead end`);
      trouble.push(...one.trouble);
      await one.context.close();
    }
  }
  check(trouble.length === 0, trouble.join("\n"));
} finally {
  await browser.close();
}
