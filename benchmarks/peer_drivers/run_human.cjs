// @vladmandic/human in node, on WebAssembly: its README's modules for face and emotion alone.
//
// Answers the same requests as loop.py. Faces up to ten as elsewhere (its default is one), and no
// frame is answered from the one before, which its cache would do for up to 2.5 seconds.

const fs = require('node:fs')
const path = require('node:path')
const readline = require('node:readline')
const { pathToFileURL, fileURLToPath } = require('node:url')

const modules = path.resolve('node_modules')
const fetched = globalThis.fetch
// node's own fetch reads no files, and the models lie in the package
globalThis.fetch = async (address, options) => String(address).startsWith('file://')
  ? new Response(fs.readFileSync(fileURLToPath(String(address))))
  : fetched(address, options)
for (const method of ['log', 'info', 'warn', 'debug']) console[method] = console.error

const { Human } = require(path.join(modules, '@vladmandic/human/dist/human.node-wasm.js'))
const LABELS = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral']

async function load () {
  const off = { enabled: false }
  const human = new Human({
    backend: 'wasm',
    wasmPath: pathToFileURL(path.join(modules, '@tensorflow/tfjs-backend-wasm/dist')).href + '/',
    modelBasePath: pathToFileURL(path.join(modules, '@vladmandic/human/models')).href + '/',
    cacheSensitivity: 0,
    body: off,
    hand: off,
    object: off,
    gesture: off,
    segmentation: off,
    face: {
      detector: { rotation: false, maxDetected: 10, skipFrames: 0, skipTime: 0 },
      mesh: off,
      iris: off,
      description: off,
      emotion: { enabled: true, skipFrames: 0, skipTime: 0 }
    }
  })
  await human.load()
  return human
}

function * arrays (file, shape, count) {
  const handle = fs.openSync(file, 'r')
  const size = shape.reduce((product, side) => product * side, 1)
  for (let number = 0; number < count; number++) {
    const bytes = Buffer.alloc(size)
    fs.readSync(handle, bytes, 0, size, number * size)
    yield bytes
  }
  fs.closeSync(handle)
}

async function frames (human, { file, shape, count }) {
  const answer = { seconds: [], faces: [], processor: 0 }
  for (const bytes of arrays(file, shape, count)) {
    const [began, worked] = [performance.now(), process.cpuUsage()]
    const rgb = human.tf.tidy(() =>
      human.tf.expandDims(human.tf.reverse(human.tf.tensor3d(bytes, shape, 'float32'), 2), 0))
    const found = await human.detect(rgb)
    human.tf.dispose(rgb)
    answer.seconds.push((performance.now() - began) / 1000)
    const { user, system } = process.cpuUsage(worked)
    answer.processor += (user + system) / 1e6
    answer.faces.push(found.face.length)
  }
  return answer
}

async function crops (human, { file, shape, count }) {
  const { tf } = human
  const network = human.models.models.emotion
  const side = network.inputs[0].shape[2]
  const began = performance.now()
  const rows = []
  for (const bytes of arrays(file, shape, count)) {
    const scores = tf.tidy(() => {
      const grey = tf.div(tf.tensor4d(bytes, [1, ...shape, 1], 'float32'), 255)
      const resized = tf.image.resizeBilinear(grey, [side, side])
      return network.execute(tf.mul(tf.sub(resized, 0.5), 2)) // from -1 to 1, as it does itself
    })
    rows.push(Array.from(await scores.data()))
    tf.dispose(scores)
  }
  return { labels: LABELS, rows, seconds: (performance.now() - began) / 1000 }
}

async function serve () {
  const human = await load()
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { do: wanted, ...asked } = JSON.parse(line)
    const answer = await { frames, crops }[wanted](human, asked)
    process.stdout.write(JSON.stringify(answer) + '\n')
  }
}

serve().catch((error) => {
  process.stderr.write(String(error) + '\n')
  process.exitCode = 1
})
