// A podmin closes a pod: through all stages, with everybody's archive made and a letter to those who have not fetched it.

import { arrive, base, check, looks, open, phone, signIn, window } from "./kit.mjs";

const browser = await open();
try {
  const { page, trouble } = await window(browser);
  await signIn(page, "greta");
  await page.goto(`${base}/board`);
  for (const stage of ["announced", "read-only", "exporting", "downloads-open", "closed", "exporting"]) {
    await page.selectOption("#stage", stage);
    await page.fill("#read_only_on", "2026-12-01");
    await page.fill("#switch_off_on", "2027-01-31");
    await page.fill("#downloads_until", "2027-06-30");
    await page.check("[name=public]");
    await arrive(page, () => page.click('form[action="/board/closing"] button'));
    if (stage === "closed") {
      await looks(page, "board-closing-sure");
      await arrive(page, () => page.click("button[name=confirmed]"));
    }
    check((await page.textContent("[role=status]")).includes("Saved"), `nothing says that ${stage} is saved`);
    check(await page.$(`#stage-${stage}[aria-current=step]`), `the stage is not ${stage}`);
  }

  await page.goto(`${base}/board`);
  await page.fill("#read_only_on", "2207-01-01");
  await page.fill("#downloads_until", "2207-01-01");
  await arrive(page, () => page.click('form[action="/board/closing"] button'));
  check((await page.$$("#problems a")).length === 2, "no links to the two fields");
  check(await page.evaluate(() => document.activeElement.id === "read_only_on"), "the first has not the focus");
  await looks(page, "board-closing-wrong");

  await page.goto(`${base}/board/campaigns`);
  await arrive(page, () => page.click('form[action="/board/campaigns"] button'));
  for (let tries = 0; !(await page.textContent("main")).includes(": finished"); tries++) {
    check(tries < 240, "the campaign does not end");
    await page.waitForTimeout(500);
    await page.reload();
  }
  await page.reload();
  check((await page.$("[role=status]")) === null, "a campaign that is finished has just begun");
  await looks(page, "board-campaigns");
  await page.goto(`${base}/board`);
  check(await page.$(".plot polyline.archive"), "no plot");
  await page.setViewportSize({ width: 320, height: 640 });
  const cut = await page.$$eval(".plot svg", (plots) => {
    const seen = plots.filter((plot) => plot.checkVisibility());
    const widths = seen.flatMap((plot) => [...plot.querySelectorAll("text")].map((text) => text.getBoundingClientRect()));
    return { seen: seen.length, cut: widths.filter((box) => box.left < 0 || box.right > innerWidth || box.height < 9).length };
  });
  check(cut.seen === 1 && cut.cut === 0, `on the narrowest phone the plot is ${JSON.stringify(cut)}`);
  await looks(page, "board");

  await page.setViewportSize(phone);
  await page.goto(`${base}/board/people`);
  await page.fill("#name", "ida");
  await arrive(page, () => page.click("[role=search] button"));
  const top = await page.$eval("#found", (found) => found.getBoundingClientRect().top);
  check(top < phone.height / 2, `on a phone what is found begins ${top} pixels below the top`);
  check((await page.textContent("#found h2")).startsWith("ida@"), "ida is not found");
  await looks(page, "board-people");

  await page.goto(`${base}/board/notices`);
  await arrive(page, () => page.click('form[action="/board/notices"] button'));
  check((await page.textContent("#preview")).includes("greta"), "no preview");
  await page.setViewportSize(phone);
  const lines = await page.$eval("legend", (legend) => legend.offsetHeight / parseFloat(getComputedStyle(legend).lineHeight));
  check(lines < 1.5, `on a phone the name of the fields in another language takes ${lines} lines`);
  await looks(page, "board-notices");
  await arrive(page, () => page.click("#preview button"));

  await page.goto(`${base}/board/people?state=all`);
  await looks(page, "board-accounts");
  await page.setViewportSize(phone);
  const broken = await page.$$eval(".accounts td[dir]", (all) =>
    all.filter((one) => one.offsetHeight > 1.9 * parseFloat(getComputedStyle(one).lineHeight)).map((one) => one.textContent));
  check(broken.length === 0, `on a phone addresses are broken: ${broken}`);
  await page.goto(`${base}/board/words`);
  await page.fill("#note", "Thank you for ten years.");
  await page.fill("#pods", "no address");
  await arrive(page, () => page.click('form[action="/board/words"] button'));
  check((await page.evaluate(() => document.activeElement.id)) === "pods", "the focus is not at the pods");
  await looks(page, "board-words-wrong");
  await page.fill("#pods", "haven.example run by friends");
  await arrive(page, () => page.click('form[action="/board/words"] button'));
  await looks(page, "board-words");
  await page.goto(`${base}/archive`);
  await looks(page, "archive-words");

  await page.goto(`${base}/board/log`);
  await looks(page, "board-log");
  await page.click(".sign-out button");
  await page.waitForURL(/sign-in/);
  await page.goto(`${base}/closing`);
  await looks(page, "closing");
  check(trouble.length === 0, trouble.join("\n"));
} finally {
  await browser.close();
}
