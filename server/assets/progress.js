// How far an archive or a move is, as it happens. Without this the page reloads itself now and then.
const open = document.getElementById("open");
const sentence = document.getElementById("sentence");
const bar = document.getElementById("bar");
let said = sentence?.textContent;
if (open && sentence && "EventSource" in window) {
  const events = new EventSource(open.dataset.progress);
  events.addEventListener("progress", (event) => {
    const now = JSON.parse(event.data);
    if (said !== now.text) pappus.say(sentence, now.text, now.time);
    said = now.text;
    if (!bar) return;
    if (now.percent === null) bar.removeAttribute("value");
    else bar.value = now.percent;
  });
  events.addEventListener("over", () => {
    events.close();
    window.location.reload();
  });
}
