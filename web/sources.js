// Where frames come from: a camera, a clip, a picture. Each gives ImageBitmaps to whoever asks.

const PICTURE = /\.(jpe?g|jfif|png|gif|bmp|webp|avif|svg)$/i;

/** The cameras there are; without a name until one was allowed. */
export async function cameras() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return devices.filter(({kind}) => kind === "videoinput");
}

/** A camera, by its number if one was chosen, live in `video`. */
export async function openCamera(video, deviceId) {
  if (!navigator.mediaDevices) {
    throw new Error("no camera here: browsers allow one on localhost and https only");
  }
  const which = deviceId ? {deviceId: {exact: deviceId}} : {facingMode: "user"};
  const size = {width: {ideal: 640}, height: {ideal: 480}, frameRate: {ideal: 30}};
  const stream = await navigator.mediaDevices.getUserMedia({video: {...which, ...size}});
  const [track] = stream.getVideoTracks();
  video.srcObject = stream;
  await video.play();
  const close = () => {
    track.stop();
    video.srcObject = null;
  };
  return {name: track.label || "camera", device: track.getSettings().deviceId, live: true, close};
}

/** A file that was chosen or dropped: a picture or a clip. */
export async function openFile(video, file) {
  const picture = file.type.startsWith("image/") || PICTURE.test(file.name);
  return picture ? openPicture(file) : openClip(video, file);
}

async function openPicture(file) {
  try {
    // As the bytes are: a colour profile would give other greys than Python sees.
    const options = {colorSpaceConversion: "none", premultiplyAlpha: "none"};
    return {name: file.name, picture: await createImageBitmap(file, options), close() {}};
  } catch {
    throw new Error(`${file.name} is no picture that this browser can read`);
  }
}

async function openClip(video, file) {
  const address = URL.createObjectURL(file);
  const close = () => {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(address);
  };
  video.src = address;
  try {
    await video.play();
  } catch {
    close();
    throw new Error(`${file.name} is no clip that this browser can play; MP4 (H.264) and WebM are`);
  }
  return {name: file.name, live: false, close};
}

/**
 * Calls `take` with each new frame's time in seconds until `ended` says so. Frames that come while
 * the last one is still being worked on are left out: only the newest counts.
 */
export async function follow(video, {live, ended, take}) {
  const began = performance.now();
  let last = -1;
  while (!ended()) {
    const media = await nextFrame(video);
    const time = live ? (performance.now() - began) / 1000 : media;
    if (ended() || time === last || video.readyState < 2) continue;
    last = time;
    await take(time);
  }
}

function nextFrame(video) {
  return new Promise((resolve) => {
    // A paused or ended clip, or a camera without light, has no next frame: look again all the same.
    const later = setTimeout(() => resolve(video.currentTime), 250);
    const done = (time) => {
      clearTimeout(later);
      resolve(time);
    };
    if (video.requestVideoFrameCallback) {
      video.requestVideoFrameCallback((_, {mediaTime}) => done(mediaTime));
    } else {
      requestAnimationFrame(() => done(video.currentTime));
    }
  });
}
