// Forms keep the focus and the message at the field, also on a phone and without scripts; an upload says how much is there,
// how long it takes, and can be cancelled; the pages of the door, the board and the API have no barriers.

import { arrive, at, base, check, looks, open, password, phone, window } from "./kit.mjs";

const archive = process.env.PAPPUS_ARCHIVE;
const browser = await open();
const all = [];

try {
  for (const script of [true, false]) {
    const guest = await window(browser, { screen: phone, script });
    all.push(guest);
    const { page } = guest;
    await page.goto(`${base}/newcomers`);
    await arrive(page, () => page.click('form[action="/newcomers/begin"] button'));
    const height = await page.evaluate(() => document.getElementById("archive").getBoundingClientRect().height);
    check(height >= 44, `the file input is ${height} pixels high`);
    if (script) {
      // The first piece is let through, the others wait: then it says how much is there, and is cancelled.
      let pieces = 0;
      let release = null;
      await page.route("**/newcomers/uploads/*", async (route) => {
        if (route.request().method() === "PATCH" && pieces++ > 0) await new Promise((go) => (release = go));
        await route.continue().catch(() => undefined);
      });
      await page.evaluate(() => { window.scrollTo(0, 0); });
      await page.setInputFiles("#archive", archive);
      await page.click("#hand-in-form button[type=submit]");
      await page.waitForFunction(() => /MB of .* MB uploaded/.test(document.getElementById("upload-status").textContent));
      await page.waitForSelector("#upload-cancel:not([hidden])");
      await page.waitForFunction(() => / left$/.test(document.getElementById("upload-status").textContent), null, { timeout: 20000 })
        .catch(async () => check(false, `no time left: ${await page.textContent("#upload-status")}`));
      await looks(page, "newcomers-uploading");
      await page.setViewportSize(phone);
      // A reload says how much is here.
      release?.();
      await page.unroute("**/newcomers/uploads/*");
      await page.route("**/newcomers/uploads/*", (route) =>
        route.request().method() === "PATCH" ? undefined : route.continue());
      await page.reload();
      check(!(await page.isVisible("#upload-cancel")), "there is nothing to cancel yet");
      check(/Archive: .* of .* are uploaded/.test(await page.textContent("#here")), "a reload does not say what is here");
      await looks(page, "newcomers-reloaded");
      await page.setViewportSize(phone);
      await page.setInputFiles("#archive", archive);
      await page.click("#hand-in-form button[type=submit]");
      await page.click("#upload-cancel");
      await page.waitForFunction(() => document.getElementById("upload-status").textContent.includes("cancelled"));
      await page.unroute("**/newcomers/uploads/*");
      await page.reload();
      check(!(await page.$("#here")), "a cancelled upload is still here");
    }
    await page.setInputFiles("#archive", process.env.PAPPUS_SMALL);
    await arrive(page, () => page.click("#hand-in-form button[type=submit]"));
    await page.waitForSelector("#choose", { timeout: 120000 });
    check((await page.inputValue("#email")).includes("@"), "the address of the archive is not there");
    await page.fill("#username", script ? "ida" : "greta");
    await page.fill("#password", "password");
    await page.fill("#again", "password");
    await arrive(page, () => page.click("#choose button"));
    await at(page, "password");
    check((await page.textContent("#password-problem")).includes("too common"), "a common password is taken");
    if (script) {
      await looks(page, "newcomers-choose-common");
      await page.setViewportSize(phone);
    }
    await page.fill("#password", password);
    await page.fill("#again", "something else");
    await arrive(page, () => page.click("#choose button"));
    await at(page, "again");
    await arrive(page, () => page.click('form[action="/newcomers/leave"] button'));
    check((await page.textContent("main")).includes("This deletes 1 upload"), "it does not say what it deletes");
    if (script) await looks(page, "newcomers-leave-sure");
    await arrive(page, () => page.click("button[name=confirmed]"));
  }
  const reader = await window(browser);
  all.push(reader);
  await reader.page.goto(`${base}/api/docs`);
  await reader.page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
  await looks(reader.page, "api-docs");
  await reader.page.setViewportSize(phone);
  const broken = await reader.page.$$eval(".api th code", (all) =>
    all.filter((one) => one.getClientRects().length > 1).map((one) => one.textContent));
  check(broken.length === 0, `on a phone the names of fields are broken: ${broken}`);
  const trouble = all.flatMap((one) => one.trouble);
  check(trouble.length === 0, trouble.join("\n"));
} finally {
  await browser.close();
}
