// Names in archives. Keys may be what no file can be called, or what leads out of the folder that an
// archive is unpacked in; those, and only those, are written with escapes, which decodeName undoes:
//
//   %XX  the byte with that number in (upper-case) hexadecimal
//   %_   nothing
//
// Encoded are NUL and backslash, `%` where it would begin an escape, the dots of the segments `.` and
// `..`, and the colon of a drive letter in front. An empty segment, as in `a//b`, becomes `%_`; so does
// the key that is the folder's own. A file gets `%_` at its end where there is a folder of its name.

/** The name of a file for the key `key`. @param isFolderToo if other keys begin with it and a '/' */
export function encodeName(
  key: string,
  { isFolderToo }: { readonly isFolderToo: boolean },
): string {
  const segments = key.split('/').map(encodeSegment)
  const drive = /^[A-Za-z]:/.exec(segments[0] ?? '')
  if (drive !== null) segments[0] = `${segments[0]?.replace(':', '%3A')}`
  return segments.join('/') + (isFolderToo ? '%_' : '')
}

/** The name of a folder, with its '/', for a key that ends in '/': what stands for an empty folder. */
export function encodeFolderName(key: string): string {
  return `${encodeName(key.slice(0, -1), { isFolderToo: false })}/`
}

/** The key that {@link encodeName} or {@link encodeFolderName} made `name` of. */
export function decodeName(name: string): string {
  return name.replace(/%(_|[0-9A-F]{2})/g, (_, code: string) =>
    code === '_' ? '' : String.fromCharCode(Number.parseInt(code, 16)),
  )
}

function encodeSegment(segment: string): string {
  if (segment === '') return '%_'
  if (segment === '.' || segment === '..') return segment.replaceAll('.', '%2E')
  return segment
    .replace(/%(?=_|[0-9A-F]{2})/g, '%25')
    .replaceAll('\0', '%00')
    .replaceAll('\\', '%5C')
}
