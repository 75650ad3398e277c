// Does with the page what people do, in headless Chromium, and prints what came of it as JSON.
// node tests/browser.mjs '{"chromium": ..., "address": ..., ...}'; tests/test_web_page.py starts it.

import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {pathToFileURL} from "node:url";

const require = createRequire(new URL("../web/package.json", import.meta.url));
const {default: puppeteer} = await import(pathToFileURL(require.resolve("puppeteer-core")).href);
const asked = JSON.parse(process.argv[2]);

const QUIET = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
  ...["--disable-background-networking", "--disable-component-update", "--mute-audio"],
  // Whatever asks for another machine all the same is seen to fail.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];
const CAMERA = [
  ...["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"],
  ...(asked.camera ? [`--use-file-for-fake-video-capture=${asked.camera}`] : []),
];

const browser = await puppeteer.launch({
  executablePath: asked.chromium,
  headless: true,
  userDataDir: asked.profile,
  args: [...QUIET, ...CAMERA],
  protocolTimeout: 300_000,
});
const requests = [];
const complaints = [];
browser.on("targetcreated", (target) => watch(target));
const page = await browser.newPage();
const done = {failed: {}};

/** Note every request of a page or a worker of any kind, and what the console complains of. */
async function watch(target) {
  const session = await target.createCDPSession().catch(() => null);
  if (!session) return;
  session.on("Network.requestWillBeSent", ({request}) => requests.push(request.url));
  await session.send("Network.enable").catch(() => {});
}

async function loaded() {
  await page.waitForSelector("body[data-ready]", {timeout: 60_000});
}

async function status(pattern) {
  await page.waitForFunction(
    (text) => new RegExp(text).test(document.getElementById("status").textContent),
    {timeout: 120_000, polling: 100},
    pattern,
  );
  return page.$eval("#status", ({textContent}) => textContent);
}

async function give(path) {
  const input = await page.$("#file");
  await input.uploadFile(path);
}

/** What the button for the rows saves. */
function table() {
  return page.evaluate(async () => {
    const saved = new Promise((resolve) => {
      const made = URL.createObjectURL;
      URL.createObjectURL = (blob) => {
        URL.createObjectURL = made;
        resolve(blob.text());
        return made.call(URL, blob);
      };
    });
    document.getElementById("rows").click();
    return saved;
  });
}

/** The faces that a worker of its own finds in frames that follow each other. */
function follow(frames) {
  return page.evaluate(async (frames) => {
    const worker = new Worker("worker.js");
    const next = () =>
      new Promise((resolve, reject) => {
        worker.onmessage = ({data}) => (data.error ? reject(new Error(data.error)) : resolve(data));
      });
    await next();
    const found = [];
    for (const [time, png] of frames) {
      const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
      const picture = await createImageBitmap(new Blob([bytes], {type: "image/png"}));
      const answer = next();
      worker.postMessage({ask: "read", picture, time, live: false});
      const {faces, milliseconds} = await answer;
      const plain = ({probabilities, raw, ...face}) => ({
        ...face,
        probabilities: [...probabilities],
        raw: [...raw],
      });
      found.push({faces: faces.map(plain), milliseconds});
    }
    worker.terminate();
    return found;
  }, frames);
}

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const steps = {
  async pictures() {
    done.pictures = {};
    for (const path of asked.pictures) {
      const name = path.split(/[\\/]/).at(-1);
      await give(path);
      done.pictures[name] = await status(`^${name}: .* ms$|no picture`);
    }
    done.rows = await table();
  },
  async frames() {
    done.frames = await follow(JSON.parse(readFileSync(asked.frames, "utf8")));
  },
  async clip() {
    await give(asked.clip);
    await status("frames/s");
    await wait(asked.seconds * 1000);
    done.clip = await page.$eval("#status", ({textContent}) => textContent);
    done.clipRows = await table();
  },
  async camera() {
    await page.click("#camera");
    await status("frames/s");
    await wait(asked.seconds * 1000);
    done.camera = await page.$eval("#status", ({textContent}) => textContent);
    done.mirrored = await page.$eval("#mirror", (button) => button.getAttribute("aria-pressed"));
    done.cards = await page.$$eval("#people h2", (all) => all.map(({textContent}) => textContent));
    if (asked.screenshot) await page.screenshot({path: asked.screenshot});
    await page.click("#pause");
    await wait(500);
    const before = await page.$eval("#count", ({textContent}) => textContent);
    await wait(1000);
    done.pausedRows = [before, await page.$eval("#count", ({textContent}) => textContent)];
    done.cameraRows = await table();
  },
  async away() {
    done.away = await page.evaluate(async (elsewhere) => {
      const tries = {
        fetch: () => fetch(elsewhere, {mode: "no-cors"}),
        beacon: async () => {
          if (!navigator.sendBeacon(elsewhere, "x")) throw new Error("refused");
        },
        image: () =>
          new Promise((resolve, reject) => {
            Object.assign(new Image(), {onload: resolve, onerror: reject, src: `${elsewhere}x.png`});
          }),
        socket: () =>
          new Promise((resolve, reject) => {
            const socket = new WebSocket(elsewhere.replace("http", "ws"));
            Object.assign(socket, {onopen: resolve, onerror: reject});
          }),
        script: () => import(`${elsewhere}x.js`),
      };
      const ends = {};
      const violations = [];
      document.addEventListener("securitypolicyviolation", ({violatedDirective}) => {
        violations.push(violatedDirective);
      });
      for (const [name, one] of Object.entries(tries)) {
        ends[name] = await one().then(
          () => "went through",
          () => "refused",
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
      return {ends, violations};
    }, asked.elsewhere);
  },
  async phone() {
    await page.setViewport({width: 360, height: 740, deviceScaleFactor: 2});
    done.phone = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth,
      small: [...document.querySelectorAll("button, .button, #reading")]
        .filter((one) => !one.hidden && one.getBoundingClientRect().height < 44)
        .map(({id}) => id),
    }));
    if (asked.phone) await page.screenshot({path: asked.phone});
    await page.setViewport({width: 1100, height: 720});
  },
  async offline() {
    // As if the server were not running: nothing on the network answers any more.
    process.stdout.write("stop\n");
    await new Promise((resolve) => process.stdin.once("data", resolve));
    await page.reload();
    await loaded();
    await give(asked.pictures[0]);
    done.offline = await status("ms$");
    process.stdin.pause();
  },
};

page.on("console", (message) => {
  if (["error", "warn"].includes(message.type())) complaints.push(message.text());
});
page.on("pageerror", (error) => complaints.push(String(error)));
async function attempt(name, step) {
  try {
    await step();
  } catch (error) {
    const text = await page.$eval("#status", ({textContent}) => textContent).catch(() => "");
    done.failed[name] = `${error.stack}; status: ${text}; console: ${complaints.join("; ")}`;
  }
}

await attempt("loading", async () => {
  await page.setViewport({width: 1100, height: 720});
  await page.goto(asked.address);
  await loaded();
  done.complaints = [...complaints];
});
if (!done.failed.loading) for (const name of asked.steps) await attempt(name, steps[name]);
done.requests = requests;
done.elsewhere = asked.elsewhere;
await browser.close();
process.stdout.write(`${JSON.stringify(done)}\n`, () => process.exit(0));
