// Somebody moves to a pod: hands an archive in piece by piece, reads what would come, chooses a name, is brought in, and
// sees who was told. Then somebody else does it in German, on a phone, without any script, and the podmin lets them in.

import { existsSync, writeFileSync } from "node:fs";
import { arrive, base, check, looks, open, password, phone, signIn, window } from "./kit.mjs";

const archive = process.env.PAPPUS_ARCHIVE;
const second = process.env.PAPPUS_ARCHIVE_2;

/** Waits until a heading says something; pages without scripts look again by themselves. */
async function says(page, text) {
  await page.getByRole("heading", { name: text }).waitFor({ timeout: 120000 });
}

async function choose(page, name, again = password) {
  await page.fill("#username", name);
  await page.fill("#email", `${name}@mail.example`);
  await page.fill("#password", password);
  await page.fill("#again", again);
  await page.check("[name=terms]");
  await arrive(page, () => page.click("#choose button"));
}

const browser = await open();
const all = [];
try {
  const first = await window(browser);
  all.push(first);
  const { page } = first;
  await page.goto(`${base}/newcomers`);
  await looks(page, "newcomers-begin");
  await arrive(page, () => page.click('form[action="/newcomers/begin"] button'));
  await looks(page, "newcomers-hand-in");
  await first.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.click("button[data-copy=link]");
  await page.getByRole("button", { name: "Copied" }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  check(copied === (await page.inputValue("#link")), `copied is ${copied}`);

  // The line breaks once, in the middle of the file.
  let broken = 0;
  await page.route("**/newcomers/uploads/*", (route) =>
    route.request().method() === "PATCH" && broken++ === 0 ? route.abort() : route.continue());
  await page.setInputFiles("#archive", archive);
  await page.click("#hand-in-form button[type=submit]");
  await says(page, "Your archive is valid");
  check(broken > 1, "it was not sent piece by piece");
  await page.unroute("**/newcomers/uploads/*");
  check((await page.textContent("#plan table")).includes("Posts"), "no plan");
  await looks(page, "newcomers-plan");

  await choose(page, "ida", "another password");
  check(await page.isVisible("#again-problem"), "no word about two passwords");
  check(!(await page.$("#problems")), "one message stands twice on the page");
  await looks(page, "newcomers-choose-wrong");
  await choose(page, "ida");
  await says(page, "Import complete");
  await looks(page, "newcomers-here");
  // The pods of the contacts are moved to this machine now.
  writeFileSync(process.env.PAPPUS_ARRIVED, "");
  while (existsSync(process.env.PAPPUS_ARRIVED)) await page.waitForTimeout(50);
  await arrive(page, () => page.click("#announce button"));
  await says(page, "Welcome");
  await looks(page, "newcomers-welcome");
  await page.goto(`${base}/newcomers/told`);
  // All but the old pod, which is gone.
  for (let tries = 0; !(await page.textContent("main")).match(/Delivered\s*4\s/); tries++) {
    check(tries < 240, `the others are not told: ${await page.textContent("main")}`);
    await page.waitForTimeout(500);
    await page.reload();
  }
  check(await page.$("main table tbody tr"), "nobody was told");
  await looks(page, "newcomers-told");
  await page.setViewportSize(phone);
  const names = await page.$$eval(".told tbody th", (all) =>
    all.filter((one) => one.offsetHeight > 2.6 * parseFloat(getComputedStyle(one).lineHeight)).map((one) => one.textContent));
  check(names.length === 0, `on a phone the names of pods are broken: ${names}`);

  const guest = await window(browser, { language: "de-DE", script: false, screen: phone });
  all.push(guest);
  await guest.page.goto(`${base}/newcomers`);
  await arrive(guest.page, () => guest.page.click('form[action="/newcomers/begin"] button'));
  check(!(await guest.page.isVisible("button[data-copy]")), "a button that does nothing without scripts");
  await guest.page.setInputFiles("#archive", second);
  await arrive(guest.page, () => guest.page.click("#hand-in-form button[type=submit]"));
  await guest.page.waitForSelector("#choose", { timeout: 120000 });
  await choose(guest.page, "greta");
  await guest.page.waitForSelector("#announce", { timeout: 120000 });

  // The podmin of this pod is who came first.
  const podmin = await window(browser);
  all.push(podmin);
  await signIn(podmin.page, "ida");
  await podmin.page.goto(`${base}/board/newcomers`);
  check((await podmin.page.textContent("main")).includes("greta@"), "the podmin does not see who came");
  await looks(podmin.page, "board-newcomers");

  const trouble = all.flatMap((one) => one.trouble);
  check(trouble.length === 0, trouble.join("\n"));
} finally {
  await browser.close();
}
