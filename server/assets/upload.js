// Uploads files piece by piece, and resumes where it stopped when the connection is lost or the page was closed. Without this
// the form sends them in one go.
const form = document.getElementById("hand-in-form");
const look = document.getElementById("look-form");
const said = document.getElementById("upload-status");
const bar = document.getElementById("upload-bar");
const cancel = document.getElementById("upload-cancel");
// A piece takes about two seconds, so that the page says how far it is on slow lines too.
const SMALLEST = 256 * 1024;
const LARGEST = 16 * 1024 * 1024;
const SECONDS = 2;
const TUS = { "Tus-Resumable": "1.0.0" };

const pause = (seconds) => new Promise((resume) => setTimeout(resume, seconds * 1000));

class Refused extends Error {}
class Cancelled extends Error {}

const kept = {
  get(key) {
    try { return localStorage.getItem(key); } catch { return null; }
  },
  set(key, value) {
    try { localStorage.setItem(key, value); } catch { /* then it begins anew the next time */ }
  },
  remove(key) {
    try { localStorage.removeItem(key); } catch { /* nothing was kept */ }
  },
};

const key = (part, file) => `pappus ${form.dataset.id} ${part} ${file.name} ${file.size} ${file.lastModified}`;

let stop = null;
const ask = (place, options) => fetch(place, { ...options, signal: stop.signal });

// Where it resumes, if it was begun before.
async function offset(place) {
  const answer = await ask(place, { method: "HEAD", headers: TUS });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(String(answer.status));
  return Number(answer.headers.get("Upload-Offset"));
}

async function create(part, file) {
  const headers = { ...TUS, "Upload-Length": String(file.size), "Upload-Metadata": `part ${btoa(part)}` };
  const answer = await ask("/newcomers/uploads", { method: "POST", headers });
  if (answer.status === 413) throw new Refused(form.dataset.tooLarge);
  if (answer.status === 507) throw new Refused(form.dataset.full);
  if (answer.status !== 201) throw new Error(String(answer.status));
  return answer.headers.get("Location");
}

async function send(part, file, far) {
  let place = kept.get(key(part, file));
  let broken = 0;
  let size = SMALLEST;
  for (;;) {
    try {
      let at = place ? await offset(place) : null;
      if (at === null) {
        place = await create(part, file);
        kept.set(key(part, file), place);
        at = 0;
      }
      far(at, true);
      while (at < file.size) {
        const headers = { ...TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(at) };
        const begun = performance.now();
        const answer = await ask(place, { method: "PATCH", headers, body: file.slice(at, at + size) });
        if (!answer.ok) throw new Error(String(answer.status));
        at = Number(answer.headers.get("Upload-Offset"));
        const took = Math.max(0.001, (performance.now() - begun) / 1000);
        size = Math.round(Math.min(LARGEST, size * 4, Math.max(SMALLEST, size * (SECONDS / took))));
        far(at, false);
        broken = 0;
      }
      kept.remove(key(part, file));
      return;
    } catch (error) {
      if (stop.signal.aborted) throw new Cancelled();
      if (error instanceof Refused) throw error;
      broken += 1;
      if (broken > 100) throw error;
      said.textContent = form.dataset.broken;
      await pause(Math.min(30, 2 ** broken));
      if (stop.signal.aborted) throw new Cancelled();
    }
  }
}

const language = document.documentElement.lang;
const megabytes = (bytes) =>
  `${(bytes / 1e6).toLocaleString(language, { maximumFractionDigits: 1, minimumFractionDigits: 1 })} MB`;

function left(seconds) {
  if (seconds >= 90) return form.dataset.minutes.replace("{n}", Math.round(seconds / 60).toLocaleString(language));
  return form.dataset.seconds.replace("{n}", Math.max(1, Math.ceil(seconds)).toLocaleString(language));
}

// Says how much is uploaded, and how long the rest takes at the speed so far.
function teller(total) {
  let begun = null;
  return (at, resumed) => {
    if (resumed || !begun) begun = { at, time: performance.now() };
    const seconds = (performance.now() - begun.time) / 1000;
    bar.value = Math.floor((at * 100) / total);
    const words = [form.dataset.sending.replace("{here}", megabytes(at)).replace("{all}", megabytes(total))];
    if (at > begun.at && at < total) words.push(left(((total - at) * seconds) / (at - begun.at)));
    said.textContent = words.join(" · ");
  };
}

async function forget(files) {
  for (const [part, file] of files) {
    const place = kept.get(key(part, file));
    kept.remove(key(part, file));
    if (place) await fetch(place, { method: "DELETE", headers: TUS }).catch(() => undefined);
  }
}

if (form && look && said && bar && cancel && "fetch" in window) {
  cancel.addEventListener("click", () => stop?.abort());
  form.addEventListener("submit", async (event) => {
    const files = ["photos", "archive"]
      .map((part) => [part, form.elements[part]?.files[0]])
      .filter(([, file]) => file && file.size > 0);
    if (!files.some(([part]) => part === "archive")) return;
    event.preventDefault();
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    bar.hidden = false;
    cancel.hidden = false;
    document.getElementById("here")?.remove();
    stop = new AbortController();
    const total = files.reduce((sum, [, file]) => sum + file.size, 0);
    const tell = teller(total);
    let before = 0;
    try {
      for (const [part, file] of files) {
        const base = before;
        await send(part, file, (at, resumed) => tell(base + at, resumed));
        before += file.size;
      }
      cancel.hidden = true;
      look.elements.passphrase.value = form.elements.passphrase?.value ?? "";
      look.elements.photos.disabled = !files.some(([part]) => part === "photos");
      look.submit();
    } catch (error) {
      if (error instanceof Cancelled) await forget(files);
      const cancelled = error instanceof Cancelled ? form.dataset.cancelled : form.dataset.failed;
      said.textContent = error instanceof Refused ? error.message : cancelled;
      button.disabled = false;
      bar.hidden = true;
      cancel.hidden = true;
      button.focus();
    }
  });
}
