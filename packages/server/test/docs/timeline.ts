// Draws the timelines of docs/simpledb.md: writes and reads of two clients, and the possible results of the reads.
// `node packages/server/test/docs/timeline.ts` writes the images.

import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** A request from when it is sent to when it is answered, on a scale from 0 to 100. */
interface Request {
  readonly client: 1 | 2
  readonly name: string
  readonly from: number
  readonly to: number
}

/** One picture. */
export interface Timeline {
  readonly file: string
  readonly title: string
  readonly requests: readonly Request[]
  readonly consistent: string
  readonly eventual: string
}

const write = (client: 1 | 2, value: number, from: number, to: number): Request => ({
  client,
  name: `W${client} = ${value}0`,
  from,
  to,
})
const read = (client: 1 | 2, from: number, to: number): Request => ({
  client,
  name: `R${client}`,
  from,
  to,
})
const anything = 'eventual: R1 and R2 may each see 10, 20 or nothing'

/** The three of Amazon's article. */
export const timelines: readonly Timeline[] = [
  {
    file: 'timeline-no-overlap.svg',
    title: 'No overlap',
    requests: [write(1, 1, 2, 22), write(2, 2, 27, 47), read(1, 55, 75), read(2, 70, 90)],
    consistent: 'consistent: R1 = R2 = 20',
    eventual: anything,
  },
  {
    file: 'timeline-read-write-overlap.svg',
    title: 'A read overlaps a write',
    requests: [write(1, 1, 2, 22), write(2, 2, 30, 58), read(1, 38, 66), read(2, 72, 92)],
    consistent: 'consistent: R1 = 10 or 20, R2 = 20',
    eventual: anything,
  },
  {
    file: 'timeline-write-write-overlap.svg',
    title: 'Two writes overlap',
    requests: [write(1, 1, 2, 32), write(2, 2, 18, 48), read(1, 55, 75), read(2, 70, 90)],
    consistent: 'consistent: R1 = R2, either 10 or 20',
    eventual: anything,
  },
]

const left = 80
const scale = 5.4

/** The picture as SVG. */
export function draw({ title, requests, consistent, eventual }: Timeline): string {
  const rows = [1, 2].map((client) => {
    const y = 40 + client * 44
    return [
      `<text x="12" y="${y + 5}">client ${client}</text>`,
      `<line x1="${left}" y1="${y}" x2="${left + 100 * scale}" y2="${y}" stroke="#999"/>`,
    ]
  })
  const bars = requests.map(({ client, name, from, to }) => {
    const [x, width, y] = [left + from * scale, (to - from) * scale, 26 + client * 44]
    const color = name.startsWith('W') ? '#d9822b' : '#2b7bd9'
    return [
      `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="28" rx="4" fill="${color}"/>`,
      `<text x="${(x + width / 2).toFixed(1)}" y="${y + 19}" fill="#fff" text-anchor="middle">${name}</text>`,
    ]
  })
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="210" viewBox="0 0 640 210" font-family="sans-serif" font-size="14">',
    `<title>${title}: ${consistent}; ${eventual}</title>`,
    '<rect width="640" height="210" fill="#fff"/>',
    `<text x="12" y="26" font-weight="bold">${title}</text>`,
    ...rows.flat(),
    ...bars.flat(),
    `<text x="${left}" y="178">${consistent}</text>`,
    `<text x="${left}" y="198" fill="#666">${eventual}</text>`,
    '</svg>',
    '',
  ].join('\n')
}

/** The path of a picture. */
export function pathOf({ file }: Timeline): string {
  return fileURLToPath(new URL(`../../../../docs/images/${file}`, import.meta.url))
}

if (import.meta.main) {
  for (const timeline of timelines) await writeFile(pathOf(timeline), draw(timeline))
}
