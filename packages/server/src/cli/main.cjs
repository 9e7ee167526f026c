#!/usr/bin/env node
// The command `holdfast`. Node before 24 can't read the rest of the program, so it has to hear that from a
// file that it can read: a script of the old kind. `main.ts` is a link to it, since Node goes by the file
// that a link leads to.

/** The remedy in a checkout; a published package has none. */
const hint = ' In a checkout, `npm ci` brings it along, and `npx holdfast` and `npm start` find it.'

if (Number.parseInt(process.versions.node, 10) >= 24) {
  void import('./start.ts')
} else {
  console.error(`Holdfast needs Node 24 or later; this is ${process.version}.${hint}`)
  process.exitCode = 1
}
