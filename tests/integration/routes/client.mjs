// Node's own fetch and WebSocket against routes_test.py's server: node --experimental-websocket client.mjs PORT. Prints
// what was done, and what was wrong, as one line of JSON.
const port = process.argv[2];
const base = `127.0.0.1:${port}/instance/execute`;
const wrong = [];
const done = { fetched: 0, messages: 0 };

async function fetchOne(number) {
  const instance = `edge-${number % 50}`;
  const token = `n${number}`;
  const size = [0, 10, 5000, 200000][number % 4];
  const body = 'a'.repeat(size);
  const streamed = number % 3 === 0;
  const answer = await fetch(`http://${base}/${instance}/echo?${token}`, {
    method: 'POST',
    headers: { 'x-token': token },
    body: streamed ? new ReadableStream({ start(it) { it.enqueue(new TextEncoder().encode(body)); it.close(); } }) : body,
    duplex: 'half',
  });
  const text = await answer.text();
  if (answer.status !== 200 || text !== body || answer.headers.get('x-token') !== token ||
      answer.headers.get('x-instance') !== instance) {
    wrong.push(`fetch ${token}: ${answer.status} ${text.length} bytes of ${size}, ${answer.headers.get('x-instance')}`);
  }
  done.fetched += 1;
}

// Sends messages of many sizes and waits for each to come back; then closes.
function socketOne(number) {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://${base}/edge-${number}/ws`, ['chat', 'other']);
    socket.binaryType = 'arraybuffer';
    const sent = [];
    for (const size of [0, 1, 125, 126, 65535, 65536, 1 << 20]) {
      sent.push(`${number}:` + 'ä'.repeat(Math.max(0, size - 8) / 2));
      sent.push(new Uint8Array(size).fill(number));
    }
    let next = 0;
    socket.onopen = () => {
      if (socket.protocol !== 'chat') wrong.push(`protocol ${socket.protocol}`);
      for (const message of sent) socket.send(message);
    };
    socket.onmessage = ({ data }) => {
      const wanted = sent[next];
      const same = typeof wanted === 'string' ? data === wanted
        : data.byteLength === wanted.byteLength && new Uint8Array(data).every((each) => each === number);
      if (!same) wrong.push(`message ${next} of ${number}`);
      next += 1;
      done.messages += 1;
      if (next === sent.length) socket.close(4001, 'enough');
    };
    socket.onerror = (event) => wrong.push(`socket ${number}: ${event.message ?? event.error}`);
    socket.onclose = (event) => {
      if (event.code !== 4001 || !event.wasClean) wrong.push(`close of ${number}: ${event.code} ${event.reason}`);
      resolve();
    };
  });
}

// A message over the bound ends with its code.
function tooLarge() {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://${base}/edge-1/ws`);
    socket.onopen = () => socket.send(new Uint8Array((1 << 20) + 1));
    socket.onerror = () => {};
    socket.onclose = (event) => {
      if (event.code !== 1009) wrong.push(`too large: ${event.code}`);
      resolve();
    };
  });
}

const tasks = [];
for (let i = 0; i < 200; ++i) tasks.push(fetchOne(i));
for (let i = 0; i < 8; ++i) tasks.push(socketOne(i));
tasks.push(tooLarge());
const results = await Promise.allSettled(tasks);
for (const each of results) {
  if (each.status === 'rejected') wrong.push(String(each.reason?.cause ?? each.reason));
}
console.log(JSON.stringify({ ...done, wrong: wrong.slice(0, 10) }));
