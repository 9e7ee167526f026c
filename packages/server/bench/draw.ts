// Draws the pictures of docs/folders.md from the output of `bench:folders --json`. Arguments: the
// JSON file, and the folder for the pictures.

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FolderFigures } from './folders.ts'

const [from = 'docs/bench/folders.json', to = 'docs/images'] = process.argv.slice(2)
const figures: FolderFigures = JSON.parse(await readFile(from, 'utf8'))
await mkdir(to, { recursive: true })
await writeFile(join(to, 'folder-times.svg'), timesPicture(figures))
await writeFile(join(to, 'folder-others.svg'), othersPicture(figures))
await writeFile(join(to, 'folder-layers.svg'), layersPicture())

/** Time by number of objects, both logarithmic: Holdfast, and a client without folder requests. */
function timesPicture({ bySize, byKeys, machine }: FolderFigures): string {
  const plot = { left: 70, top: 50, width: 470, height: 270 }
  const [least, most] = [0.5, 1e7]
  const x = (objects: number): number => plot.left + (Math.log10(objects) / 6) * plot.width
  const y = (ms: number): number => {
    const share = Math.log(ms / least) / Math.log(most / least)
    return plot.top + plot.height * (1 - share)
  }
  const parts: string[] = [title('Time for a whole folder', 20, 26)]
  for (let power = 0; power <= 7; power++) {
    const at = y(10 ** power)
    parts.push(line(plot.left, at, plot.left + plot.width, at, 'grid'))
    parts.push(text(duration(10 ** power), plot.left - 8, at + 4, 'end'))
  }
  for (let power = 0; power <= 6; power++) {
    const label = (10 ** power).toLocaleString('en-US')
    parts.push(text(label, x(10 ** power), plot.top + plot.height + 18, 'middle'))
  }
  parts.push(
    text('objects in the folder', plot.left + plot.width, plot.top + plot.height + 38, 'end'),
  )
  const legend: [name: string, style: string][] = []
  for (const name of ['rename', 'copy', 'delete', 'snapshot'] as const) {
    const points = bySize.map((times) => `${x(times.objects)},${y(times[name])}`)
    parts.push(`<polyline class="${name}" points="${points.join(' ')}"/>`)
    legend.push([name === 'snapshot' ? 'archive, first byte' : name, name])
  }
  for (const name of ['rename', 'copy', 'delete'] as const) {
    // Measured at one size; the cost per object is constant.
    const each = byKeys[name] / byKeys.objects
    const points = [1_000, byKeys.objects, 1_000_000].map((n) => `${x(n)},${y(each * n)}`)
    parts.push(`<polyline class="${name} other" points="${points.join(' ')}"/>`)
    parts.push(circle(x(byKeys.objects), y(byKeys[name]), name))
    legend.push([`${name} by keys`, `${name} other`])
  }
  legend.forEach(([name, style], index) => {
    const at = plot.top + 10 + index * 20
    parts.push(`<polyline class="${style}" points="560,${at - 4} 590,${at - 4}"/>`)
    parts.push(text(name, 598, at, 'start'))
  })
  const measured = `by keys: list + copy + delete, measured at ${byKeys.objects.toLocaleString('en-US')} (dot)`
  parts.push(text(`${machine}; ${measured}, the rest of the line extrapolated`, 20, 380, 'start'))
  return svg('Time for a whole folder', 790, 395, parts)
}

/** p99 of other requests during folder operations. */
function othersPicture({ others, machine }: FolderFigures): string {
  const highest = Math.max(...others.flatMap(({ getP99, putP99 }) => [getP99, putP99]), 1)
  const width = (ms: number): number => (ms / highest) * 420
  const parts = [title('p99 of GET and PUT elsewhere, meanwhile', 20, 26)]
  others.forEach(({ what, getP99, putP99 }, index) => {
    const at = 50 + index * 50
    parts.push(text(what, 190, at + 20, 'end'))
    parts.push(bar(200, at, width(getP99), 'get'), bar(200, at + 18, width(putP99), 'put'))
    parts.push(text(`GET ${getP99.toFixed(1)} ms`, 206 + width(getP99), at + 12, 'start'))
    parts.push(text(`PUT ${putP99.toFixed(1)} ms`, 206 + width(putP99), at + 30, 'start'))
  })
  const bottom = 50 + others.length * 50
  parts.push(text(`${machine}; 4 connections each, of 4 KiB; medians`, 20, bottom + 16, 'start'))
  return svg('p99 of requests elsewhere', 760, bottom + 30, parts)
}

/** A copy before and after the first write to it. */
function layersPicture(): string {
  const box = (label: string, x: number, y: number, style: string): string =>
    `<rect class="${style}" x="${x}" y="${y}" width="150" height="34" rx="5"/>${text(label, x + 75, y + 22, 'middle')}`
  const arrow = (x1: number, y1: number, x2: number, y2: number): string =>
    `<line class="arrow" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" marker-end="url(#head)"/>`
  return svg('Layers of a copied folder', 760, 270, [
    '<defs><marker id="head" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto"><path d="M0,0 L8,4 L0,8 z"/></marker></defs>',
    title('A copy shares what is below', 20, 26),
    box('folder a/', 20, 50, 'row'),
    box('folder copy/', 200, 50, 'row'),
    box('directory 7: all rows', 110, 150, 'shared'),
    arrow(95, 84, 165, 148),
    arrow(275, 84, 205, 148),
    text('one row, one reference more', 185, 215, 'middle'),
    title('The first write lays a layer over it', 400, 26),
    box('folder a/', 400, 50, 'row'),
    box('folder copy/', 590, 50, 'row'),
    box('directory 9: new rows', 590, 120, 'own'),
    box('directory 7: all rows', 480, 200, 'shared'),
    arrow(475, 84, 530, 198),
    arrow(665, 84, 665, 118),
    arrow(665, 154, 600, 198),
  ])
}

function duration(ms: number): string {
  if (ms < 1000) return `${ms} ms`
  if (ms < 60_000) return `${ms / 1000} s`
  return ms < 3_600_000 ? `${(ms / 60_000).toFixed(1)} min` : `${(ms / 3_600_000).toFixed(1)} h`
}

function text(content: string, x: number, y: number, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${content}</text>`
}

function title(content: string, x: number, y: number): string {
  return `<text class="title" x="${x}" y="${y}">${content}</text>`
}

function line(x1: number, y1: number, x2: number, y2: number, style: string): string {
  return `<line class="${style}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`
}

function circle(x: number, y: number, style: string): string {
  return `<circle class="${style}" cx="${x}" cy="${y}" r="4"/>`
}

function bar(x: number, y: number, width: number, style: string): string {
  return `<rect class="${style}" x="${x}" y="${y}" width="${Math.max(width, 1)}" height="15"/>`
}

function svg(name: string, width: number, height: number, parts: readonly string[]): string {
  const rounded = parts.map((part) =>
    part.replace(/(?<![\d.])\d+\.\d{2,}(?![\d.])/g, (n) => Number(n).toFixed(1)),
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<title>${name}</title>
<style>
svg { background: #fff; font: 12px system-ui, sans-serif; fill: #222 }
.title { font-size: 15px; font-weight: 600 }
.grid { stroke: #e4e4e4 }
polyline { fill: none; stroke-width: 2.5 }
.other { stroke-dasharray: 5 4 }
.rename { stroke: #1f6feb } .copy { stroke: #2da44e } .delete { stroke: #cf222e } .snapshot { stroke: #9a6700 }
circle { fill: #fff; stroke-width: 2.5 }
.get { fill: #6cb6ff } .put { fill: #f0883e }
.row { fill: #f6f8fa; stroke: #8c959f } .own { fill: #dafbe1; stroke: #2da44e } .shared { fill: #ddf4ff; stroke: #1f6feb }
.arrow { stroke: #57606a; stroke-width: 1.5 }
</style>
${rounded.join('\n')}
</svg>
`
}
