// An independent reader of tar archives, for small files with plain headers.

/** The files of an archive, in order. */
export function filesOfTar(archive: Buffer): { readonly name: string; readonly content: string }[] {
  const files: { name: string; content: string }[] = []
  for (let at = 0; archive[at] !== 0; ) {
    const field = (start: number, length: number): string =>
      archive.toString('latin1', at + start, at + start + length).replace(/\0.*$/s, '')
    const sizeBytes = Number.parseInt(field(124, 12), 8)
    if (field(257, 6) !== 'ustar' || field(156, 1) !== '0') throw new Error('not a plain file')
    const content = archive.toString('utf8', at + 512, at + 512 + sizeBytes)
    files.push({ name: field(0, 100), content })
    at += 512 + Math.ceil(sizeBytes / 512) * 512
    if (at >= archive.length) throw new Error('the archive is truncated')
  }
  return files
}
