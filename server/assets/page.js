// On all pages: times in the reader's own zone, and buttons that copy. Without this, times are in UTC and say so, and what can
// be copied can be selected.
const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
const clock = { hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
const day = { day: "numeric", month: "long", year: "numeric" };

/** Shows a `<time>` in the reader's zone; what it said is its title. A time of day stays one, if the day is the same. */
function local(time) {
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.getTime()) || !time.dateTime.includes("T")) return;
  const text = time.textContent;
  const today = moment.toDateString() === new Date().toDateString();
  const isClock = /^\d/.test(text) && text.includes(":") && text.length < 12 && today;
  time.textContent = moment.toLocaleString(language, isClock ? clock : { ...day, ...clock });
  time.title = text;
}

for (const time of document.querySelectorAll("time[datetime]")) local(time);
// Used by progress.js, for a sentence that changes: the text, and the moment in it as it is written and for machines.
globalThis.pappus = {
  say(node, text, time) {
    const [before, after] = time ? text.split(time[0], 2) : [text];
    node.textContent = before;
    if (after === undefined) return;
    const element = document.createElement("time");
    element.dateTime = time[1];
    element.textContent = time[0];
    node.append(element, after);
    local(element);
  },
};

/** Selects what an element shows, and returns it. */
function select(node) {
  if ("select" in node) {
    node.select();
    return node.value;
  }
  window.getSelection().selectAllChildren(node);
  return node.textContent;
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  const label = button.textContent;
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    const text = select(document.getElementById(button.dataset.copy));
    // The clipboard is there on secure pages only; the selection can be copied on others too.
    const copied = await (navigator.clipboard?.writeText(text).then(() => true, () => false) ?? document.execCommand("copy"));
    if (!copied) return;
    button.textContent = button.dataset.copied;
    setTimeout(() => (button.textContent = label), 3000);
  });
}

// "Saved" is said once, not again after a reload.
const address = new URL(window.location.href);
if (address.searchParams.has("done")) {
  address.searchParams.delete("done");
  window.history.replaceState(null, "", address);
}
