// The version of this package.

import { readFileSync } from 'node:fs'

/** Where the manifest is: beside the bundle of a published package, or above the sources. */
const places = ['./package.json', '../../package.json']

/** The version, as its package.json has it. */
export function version(): string {
  for (const path of places) {
    try {
      const text = readFileSync(new URL(path, import.meta.url), 'utf8')
      const found: unknown = JSON.parse(text)
      // Above the bundle lies the manifest of another package.
      const isOwn = typeof found === 'object' && found !== null && 'name' in found
      if (isOwn && found.name === 'holdfast' && 'version' in found) return String(found.version)
    } catch {
      // Missing: try the next one.
    }
  }
  return 'unknown'
}
