import { RAW, SERVICE } from "./cast.ts";
import { type Entrant, medianOf, type Result, ratioOf } from "./measure.ts";

const WIDTH = 760;
const LABELS = 230;
const FIGURES = 120;
const BAR = 18;
const GAP = 6;
const HEADING = 34;
/** Characters that a heading has room for. */
const LINE = 100;

/** The rates as bars, a group for each workload, held against the first of the group. */
export function chart(results: readonly Result[]): string {
  const parts: string[] = [];
  let y = 10;
  for (const { workload, runs } of results) {
    const [first] = workload.entrants as [Entrant];
    const about = shortened(workload.about.replaceAll("`", "").replaceAll("\n", " "));
    parts.push(`<text x="16" y="${y + 22}"><tspan font-weight="bold">${workload.name}</tspan> ${about}</text>`);
    y += HEADING;
    const most = Math.max(...workload.entrants.map(({ name }) => medianOf(runs, name, "rate")));
    for (const { name } of workload.entrants) {
      const rate = medianOf(runs, name, "rate");
      const width = Math.max(1, (rate / most) * (WIDTH - LABELS - FIGURES - 16));
      const colour = name.startsWith(SERVICE) ? "#1f6feb" : name === RAW ? "#8c959f" : "#c8d1da";
      const figures = `${Math.round(rate).toLocaleString("en")} (${ratioOf(runs, name, first.name, "rate").toFixed(2)})`;
      const middle = y + BAR / 2 + 4;
      parts.push(
        `<text x="${LABELS - 8}" y="${middle}" text-anchor="end">${name}</text>`,
        `<rect x="${LABELS}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" fill="${colour}"/>`,
        `<text x="${(LABELS + width + 6).toFixed(1)}" y="${middle}">${figures}</text>`,
      );
      y += BAR + GAP;
    }
  }
  const caption =
    "Requests per second (share of the first of the group): 64 connections, one core for the server. More is better.";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 40}" font-family="sans-serif" font-size="13" fill="#1f2328">
<title>Benchmark</title>
<rect width="100%" height="100%" rx="6" fill="#ffffff"/>
${parts.join("\n")}
<text x="16" y="${y + 26}" font-size="12" fill="#59636e">${caption}</text>
</svg>
`;
}

/** What fits on a line. */
function shortened(text: string): string {
  return text.length <= LINE ? text : `${text.slice(0, text.lastIndexOf(" ", LINE))} …`;
}
