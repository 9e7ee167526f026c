// Names in archives. A key may be an impossible file name, or may lead out of the folder into which
// the archive is unpacked (path traversal). Only such keys are escaped; decodeName reverses the
// escapes:
//
//     %XX  the byte with that number in (upper-case) hexadecimal
//     %_   nothing
//
// Escaped bytes are NUL and backslash, and `%` where it would begin an escape. Also escaped are the
// dots of the segments `.` and `..`, and the colon of a leading drive letter. An empty segment, as
// in `a//b`, becomes `%_`, and so does the key that equals the folder's prefix. A file's name gets
// `%_` appended if a folder has the same name.

/** The file name for `key`. @param isFolderToo if other keys begin with `key` and a '/' */
export function encodeName(
  key: string,
  { isFolderToo }: { readonly isFolderToo: boolean },
): string {
  const segments = key.split('/').map(encodeSegment)
  const drive = /^[A-Za-z]:/.exec(segments[0] ?? '')
  if (drive !== null) segments[0] = `${segments[0]?.replace(':', '%3A')}`
  return segments.join('/') + (isFolderToo ? '%_' : '')
}

/** The folder name, with its '/', for a key that ends in '/' and so represents an empty folder. */
export function encodeFolderName(key: string): string {
  return `${encodeName(key.slice(0, -1), { isFolderToo: false })}/`
}

/** Decodes the output of {@link encodeName} or {@link encodeFolderName}. */
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
