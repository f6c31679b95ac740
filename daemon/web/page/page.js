/** Shows what the box tells over `/events`. Every text arrives as data and is set as text, never as markup. */
const at = (id) => document.getElementById(id);
const canvas = at('image');
const context = canvas.getContext('2d');
/** Distinct in both schemes and for the colour-blind (Okabe and Ito). */
const COLOURS = ['#56b4e9', '#e69f00', '#009e73', '#f0e442', '#cc79a7', '#d55e00', '#0072b2', '#ffffff'];
const percent = (share) => (share === null ? '-' : `${(100 * share).toFixed(1)} %`);
const clock = (text) => new Date(text).toLocaleTimeString(undefined, { hour12: false });

const colours = new Map();
function colourOf(region) {
  if (!colours.has(region)) colours.set(region, COLOURS[colours.size % COLOURS.length]);
  return colours.get(region);
}

function drawBox({ box, polygon, label, colour }, { width, height }, unit) {
  const [x, y, w, h] = [box[0] * width, box[1] * height, box[2] * width, box[3] * height];
  context.strokeStyle = colour;
  if (polygon) strokePolygon(polygon, width, height);
  else context.strokeRect(x, y, w, h);
  const top = Math.max(y, 16 * unit);
  context.fillStyle = 'rgba(0, 0, 0, 0.7)';
  context.fillRect(x - unit, top - 16 * unit, context.measureText(label).width + 8 * unit, 16 * unit);
  context.fillStyle = colour;
  context.fillText(label, x + 3 * unit, top - 2 * unit);
}

function strokePolygon(corners, width, height) {
  context.beginPath();
  for (const [x, y] of corners) context.lineTo(x * width, y * height);
  context.closePath();
  context.stroke();
}

function drawLine({ id, from, to }, { width, height }, unit) {
  context.strokeStyle = '#ffffff';
  context.setLineDash([6 * unit, 4 * unit]);
  context.beginPath();
  context.moveTo(from[0] * width, from[1] * height);
  context.lineTo(to[0] * width, to[1] * height);
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = '#ffffff';
  context.fillText(id, to[0] * width + 3 * unit, to[1] * height);
}

function drawFound({ regions, objects = [], lines = [] }, image) {
  const unit = Math.max(1, image.width / 640);
  context.lineWidth = 2 * unit;
  context.font = `600 ${12 * unit}px system-ui, sans-serif`;
  context.textBaseline = 'bottom';
  for (const line of lines) drawLine(line, image, unit);
  for (const { region, box, polygon, class: name, score } of regions) {
    const label = name === null ? region : `${name} ${Math.round(100 * score)} %`;
    drawBox({ box, polygon, label, colour: colourOf(region) }, image, unit);
  }
  for (const { track, box, class: name } of objects)
    drawBox({ box, label: `${name} ${track}`, colour: colourOf(name) }, image, unit);
}

let drawing = false;
async function showFrame({ image, capturedAt, ...found }) {
  if (drawing) return; // the next one is on its way
  drawing = true;
  const picture = new Image();
  picture.src = `data:image/jpeg;base64,${image}`;
  try {
    await picture.decode();
    canvas.width = picture.naturalWidth;
    canvas.height = picture.naturalHeight;
    context.drawImage(picture, 0, 0);
    drawFound(found, canvas);
    at('no-image').hidden = true;
    at('captured').textContent = `captured at ${clock(capturedAt)}`;
    canvas.dataset.frames = String(Number(canvas.dataset.frames ?? 0) + 1);
  } finally {
    drawing = false;
  }
}

function cell(text, className) {
  const element = document.createElement('td');
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

function showRegions(regions) {
  const table = at('regions');
  table.classList.toggle(
    'no-truth',
    regions.every(({ truth }) => truth === null),
  );
  table.tBodies[0].replaceChildren(
    ...regions.map(({ region, class: name, score, truth }) => {
      const row = document.createElement('tr');
      const right = truth !== null && truth.class === (name ?? 'empty');
      const verdict =
        truth === null ? '' : `${right ? '✓' : '✗'} ${truth.class}${truth.contested ? ' (contested)' : ''}`;
      const kind = truth === null ? '' : right ? 'right' : truth.contested ? 'contested' : 'wrong';
      row.append(cell(region), cell(name ?? '-'), cell(percent(score)), cell(verdict, `truth ${kind}`));
      row.cells[0].style.borderLeft = `4px solid ${colourOf(region)}`;
      row.cells[0].style.paddingLeft = '0.4rem';
      return row;
    }),
  );
}

function showCounts(flows, counted) {
  at('region-section').hidden = flows !== null;
  at('count-section').hidden = flows === null;
  at('counted').textContent = counted;
  at('counts').tBodies[0].replaceChildren(
    ...(flows ?? []).map(({ line, direction, counted: all, truth, missed, false: wrong }) => {
      const row = document.createElement('tr');
      row.append(cell(line), cell(direction), ...[all, truth, missed, wrong].map((figure) => cell(String(figure))));
      row.className = missed + wrong > 0 ? 'contested' : '';
      return row;
    }),
  );
}

function showView({ what, health, figures, regions, flows = null, counted = '' }) {
  at('what').textContent = what;
  at('health').textContent = health.text;
  at('health').dataset.level = health.level;
  at('figures').replaceChildren(
    ...figures.flatMap(([name, value]) => {
      const term = document.createElement('dt');
      const figure = document.createElement('dd');
      term.textContent = name;
      figure.textContent = value;
      return [term, figure];
    }),
  );
  showRegions(regions);
  showCounts(flows, counted);
}

const messages = new Map();
function showMessage({ topic, receivedAt, text }) {
  let entry = messages.get(topic);
  if (entry === undefined) {
    entry = document.createElement('details');
    const summary = document.createElement('summary');
    summary.append(topic, document.createElement('time'));
    entry.append(summary, document.createElement('pre'));
    messages.set(topic, entry);
    at('messages').append(...[...messages.keys()].sort((a, b) => (a < b ? -1 : 1)).map((name) => messages.get(name)));
  }
  entry.querySelector('time').textContent = clock(receivedAt);
  entry.querySelector('pre').textContent = text;
}

const events = new EventSource('events');
events.addEventListener('view', ({ data }) => showView(JSON.parse(data)));
events.addEventListener('frame', ({ data }) => void showFrame(JSON.parse(data)));
events.addEventListener('message', ({ data }) => showMessage(JSON.parse(data)));
events.addEventListener('error', () => {
  at('health').textContent = 'the box does not answer; trying again';
  at('health').dataset.level = 'bad';
});
