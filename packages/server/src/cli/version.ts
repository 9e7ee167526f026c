// The version of this package.

import { readFileSync } from 'node:fs'

/** The version in package.json. */
export function version(): string {
  // Once from the sources, once from the build in dist.
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const text = readFileSync(new URL(path, import.meta.url), 'utf8')
      const found: unknown = JSON.parse(text)
      if (typeof found === 'object' && found !== null && 'version' in found) {
        return String(found.version)
      }
    } catch {
      // Missing: try the next one.
    }
  }
  return 'unknown'
}
