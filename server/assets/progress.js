// How far an archive or a move is, as it happens. Without this the page reloads itself now and then.
const open = document.getElementById("open");
const sentence = document.getElementById("sentence");
const bar = document.getElementById("bar");
if (open && sentence && "EventSource" in window) {
  const events = new EventSource(open.dataset.progress);
  events.addEventListener("progress", (event) => {
    const now = JSON.parse(event.data);
    if (sentence.textContent !== now.text) sentence.textContent = now.text;
    if (!bar) return;
    if (now.percent === null) bar.removeAttribute("value");
    else bar.value = now.percent;
  });
  events.addEventListener("over", () => {
    events.close();
    window.location.reload();
  });
}
