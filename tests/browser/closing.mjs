// Somebody fetches an archive from a pod that closes.

import { arrive, at, base, check, looks, open, password, phone, signIn, window } from "./kit.mjs";
import { createHmac } from "node:crypto";

/** The one-time code of now (RFC 6238). */
function code(secret) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const bytes = bits.match(/.{8}/g).map((byte) => parseInt(byte, 2));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000)));
  const digest = createHmac("sha1", Buffer.from(bytes)).update(step).digest();
  const at = digest[19] & 15;
  return String((digest.readUInt32BE(at) & 0x7fffffff) % 1000000).padStart(6, "0");
}

const browser = await open();
const all = [];
try {
  const first = await window(browser, { zone: "Asia/Tokyo" });
  all.push(first);
  const { page } = first;
  await page.goto(`${base}/`);
  check(page.url().endsWith("/sign-in"), `begins at ${page.url()}`);
  await looks(page, "sign-in");
  await page.goto(`${base}/sign-in/link`);
  await looks(page, "forgotten-password");
  await page.goto(`${base}/nothing`);
  await looks(page, "not-found");

  // The first thing the keyboard reaches leads past the navigation.
  await page.goto(`${base}/sign-in`);
  await page.keyboard.press("Tab");
  check(await page.evaluate(() => document.activeElement.className === "skip"), "no way past the navigation");

  await page.fill("#name", "greta");
  await page.fill("#password", "wrong");
  await arrive(page, () => page.click("main button"));
  check(await page.isVisible("#password-problem"), "no word about a wrong password");
  await looks(page, "sign-in-wrong");
  // In the longer language on the smaller screen, the message is beside the field that has the focus.
  const narrow = await window(browser, { screen: phone, language: "de-DE" });
  all.push(narrow);
  await narrow.page.goto(`${base}/sign-in`);
  await narrow.page.fill("#name", "greta");
  await narrow.page.fill("#password", "wrong");
  await arrive(narrow.page, () => narrow.page.click("main button"));
  await at(narrow.page, "password");

  await signIn(page, "greta");
  check(page.url() === `${base}/archive`, `after signing in at ${page.url()}`);
  await looks(page, "archive-begin");
  // While it is looked at, nothing is heard of how far it is, so that the page stays.
  await page.route("**/progress", () => {});
  await arrive(page, () => page.click("#ask button[type=submit]"));
  if (await page.$("#open")) await looks(page, "archive-asked");
  await page.unroute("**/progress");
  // The script may do the same at this moment.
  await page.reload().catch(() => undefined);
  // The script shows when it is done.
  await page.waitForSelector(".archive a.button", { timeout: 120000 });
  // Times are the reader's, and what the server said is their title.
  const [shown, utc, moment] = await page.$eval(".archive h2 time", (time) => [time.textContent, time.title, time.dateTime]);
  const tokyo = new Date(moment).toLocaleTimeString("en-GB", { timeZone: "Asia/Tokyo", hour: "2-digit", minute: "2-digit" });
  check(shown.includes(`${tokyo} GMT+9`), `${moment} is shown as ${shown}`);
  check(utc.endsWith(`${moment.slice(11, 16)} UTC`), `the title of ${moment} is ${utc}`);
  await looks(page, "archive-done");
  const coming = page.waitForEvent("download");
  await page.click(".archive a.button");
  await (await coming).saveAs(process.env.PAPPUS_DOWNLOAD);
  await arrive(page, () => page.click('.archive a[href^="/archive/made/"]:not(.button)'));
  await looks(page, "archive-contents");
  await page.goto(`${base}/tokens`);
  await looks(page, "tokens");
  await page.fill("#name", "backup");
  await arrive(page, () => page.click('form[action="/tokens"] button'));
  check(await page.isVisible("#secret"), "no token was made");
  await looks(page, "tokens-made");
  await page.goto(`${base}/sign-in/link/none`);
  await looks(page, "sign-in-link-over");
  await page.goto(`${base}/archive`);

  await page.click(".sign-out button");
  await page.waitForURL(/sign-in/);

  // A one-time code, in German, on a phone, without any script.
  const second = await window(browser, { language: "de-DE", script: false, screen: { width: 390, height: 844 } });
  all.push(second);
  await signIn(second.page, "jonas");
  check(second.page.url().includes("/sign-in/code"), `no code is asked for at ${second.page.url()}`);
  check((await second.page.textContent("h1")) === "Zwei-Faktor-Authentifizierung", "not in German");
  await second.page.fill("#code", code(process.env.PAPPUS_OTP_SECRET));
  await arrive(second.page, () => second.page.click("main button"));
  check(second.page.url() === `${base}/archive`, `after the code at ${second.page.url()}`);
  await arrive(second.page, () => second.page.click("#ask button[type=submit]"));
  await second.page.waitForSelector(".archive a.button", { timeout: 120000 });
  check((await second.page.textContent(".archive h2 time")).endsWith(" UTC"), "without scripts no zone is named");

  // The page of the code itself.
  const third = await window(browser);
  all.push(third);
  await signIn(third.page, "jonas");
  await looks(third.page, "sign-in-code");

  const trouble = all.flatMap((one) => one.trouble);
  check(trouble.length === 0, trouble.join("\n"));
  check(password.length > 0, "no password");
} finally {
  await browser.close();
}
