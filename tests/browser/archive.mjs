// An unpacked archive in a browser: every page on the narrowest phone, its photos, its links, on paper, and the first
// page alone, as it is opened inside the ZIP.

import { base, check, desktop, noBarriers, open, window } from "./kit.mjs";

const narrow = { width: 320, height: 640 };
const browser = await open();
const first = await window(browser);
await first.page.goto(`${base}/index.html`);
// Those that the archive has: it links to no others.
const pages = await first.page.$$eval("header nav a", (links) => links.map((link) => link.getAttribute("href")));
await first.context.close();
for (const name of ["index", "view/posts-1", "view/contacts", "view/comments-1"]) {
  check(pages.includes(`${name}.html`), `${name} is not among ${pages}`);
}

for (const dark of [false, true]) {
  for (const screen of [narrow, desktop]) {
    const { page, context, trouble } = await window(browser, { screen, dark });
    for (const path of pages) {
      await page.goto(`${base}/${path}`);
      await noBarriers(page, `archive-${path.replace(/\W/g, "-")}-${screen.width}-${dark ? "dark" : "light"}`);
      const wide = await page.evaluate(() => {
        const limit = document.documentElement.clientWidth + 1;
        const scrolls = (node) => node && (getComputedStyle(node).overflowX === "auto" || scrolls(node.parentElement));
        return [...document.querySelectorAll("main *, header *")]
          .filter((node) => !node.closest(".hidden, .skip") && !scrolls(node))
          .filter((node) => node.getBoundingClientRect().right > limit)
          .map((node) => node.outerHTML.slice(0, 120));
      });
      check(wide.length === 0, `${path} at ${screen.width} px: ${wide.join("\n")}`);
      check(!(await page.evaluate(() => getComputedStyle(document.body).overflowX === "hidden")), "it only hides it");
      const broken = await page.$$eval(".counts .number", (all) => all.filter((one) => {
        const text = document.createRange();
        text.selectNodeContents(one);
        return new Set([...text.getClientRects()].map((box) => box.top)).size > 1;
      }).length);
      check(broken === 0, `${path} at ${screen.width} px: the head of the numbers is broken`);
    }
    // axe reads sheets of styles itself, which the pages' policy forbids.
    const real = trouble.filter((one) => !one.includes("Connecting to") || !one.includes("view/style.css"));
    check(real.length === 0, real.join("\n"));
    await context.close();
  }
}

// The kit's windows report every request elsewhere; here links and photos are looked at.
const { page, context } = await window(browser);
for (const path of pages) {
  await page.goto(`${base}/${path}`);
  const broken = await page.evaluate(async () => {
    const images = [...document.querySelectorAll("img")];
    images.forEach((image) => (image.loading = "eager"));
    await Promise.all(images.map((image) => image.decode().catch(() => {})));
    return images.filter((image) => image.naturalWidth === 0).map((image) => image.src);
  });
  check(broken.length === 0, `${path} shows broken photos: ${broken}`);
  const links = await page.evaluate(() => [...document.querySelectorAll("a[href]")].map((link) => link.href));
  for (const link of links.filter((href) => href.startsWith("file:"))) {
    const [file, anchor] = link.split("#");
    const other = await context.newPage();
    const answer = await other.goto(file).catch((error) => error);
    check(!(answer instanceof Error), `${path} links to nothing: ${link}`);
    if (anchor) check(await other.evaluate((id) => document.getElementById(id) !== null, anchor), `${link} has no target`);
    await other.close();
  }
  check(links.every((href) => /^(file|https?|mailto):/.test(href)), `${path} has a link for no browser: ${links}`);
  await page.emulateMedia({ media: "print" });
  const kept = await page.evaluate(() =>
    [...document.querySelectorAll("article, section, main")].filter((n) => getComputedStyle(n).breakInside !== "auto"));
  check(kept.length === 0, `${path}: what is taller than a sheet would leave the one before it empty`);
  await page.emulateMedia({ media: null });
}
await page.goto(`${base}/index.html`);
check(!(await page.locator(".unpack").isVisible()), "the unpacked archive asks to be unpacked");
await page.goto(`file://${process.env.PAPPUS_ALONE}`);
check(await page.locator(".unpack").isVisible(), "the page alone does not say that it is");
const padding = await page.evaluate(() => getComputedStyle(document.querySelector(".origin")).paddingTop);
check(padding !== "0px", "the page alone has no styles");
await browser.close();
