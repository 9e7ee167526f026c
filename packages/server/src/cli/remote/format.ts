// Formats numbers for people.

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** A size: `0 B`, `1023 B`, `1.5 KiB`, `12 MiB`. */
export function formatSize(bytes: number): string {
  let value = bytes
  let unit = 0
  // A value that would be rounded up to 1024 belongs to the next unit.
  while (Math.round(value) >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0
  return `${value.toFixed(digits)} ${units[unit]}`
}

/** A number of things: `1 object`, `12,345 objects`. */
export function formatCount(count: number, thing: string): string {
  return `${count.toLocaleString('en-US')} ${thing}${count === 1 ? '' : 's'}`
}

/** A local time, to the minute: `2026-03-01 14:05`. */
export function formatTime(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`
}

/** A duration: `9 s`, `4:05 min`, `2:00 h`. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const [high, low, unit] =
    seconds < 3600
      ? [Math.floor(seconds / 60), seconds % 60, 'min']
      : [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), 'h']
  return `${high}:${String(low).padStart(2, '0')} ${unit}`
}

/** Text with control characters replaced. Keys may have any character, also those that control a terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(2, '0')
    return `\\x${code}`
  })
}
