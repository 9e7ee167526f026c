// Puts the Node that comes with the packages where `npm run` and `npx` find it first. npm does so itself; but
// npm 10 takes the link away again with the package for the other kind of processor. An old Node runs this.

const { existsSync, symlinkSync } = require('node:fs')
const { join } = require('node:path')

const modules = join(__dirname, '../../../node_modules')
const program = `node-${process.platform}-${process.arch}/bin/node`
const link = join(modules, '.bin/node')
if (existsSync(join(modules, program)) && !existsSync(link)) symlinkSync(`../${program}`, link)
