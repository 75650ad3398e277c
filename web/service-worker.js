// Keeps what the page loaded, so that it also works when its server is not running. The server comes
// first: what it has now is never hidden by what it had before.

const NAME = "emotion";
const PAGE = ["./", "style.css", "page.js", "drawing.js", "rows.js", "sources.js"];
const FIRST = [...PAGE, "recognition/faces.js", "recognition/opencv.js", "icon.svg", "page.webmanifest"];

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(NAME)
      .then((cache) => cache.addAll(FIRST))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const {method, url} = event.request;
  if (method !== "GET" || new URL(url).origin !== self.location.origin) return;
  event.respondWith(answer(event.request));
});

async function answer(request) {
  const cache = await caches.open(NAME);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request, {ignoreSearch: true});
    if (kept) return kept;
    throw error;
  }
}
