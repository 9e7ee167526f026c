// One line on a terminal that says how far a task is; nothing where nobody looks.

/** Milliseconds between two lines. */
const intervalMs = 200

/** Clear the line before anything else is printed. */
export class ProgressLine {
  readonly #isShown = process.stderr.isTTY === true
  #writtenAt = 0

  show(text: () => string): void {
    if (!this.#isShown || performance.now() - this.#writtenAt < intervalMs) return
    this.#writtenAt = performance.now()
    process.stderr.write(`\r\x1b[K${text()} …`)
  }

  clear(): void {
    if (this.#isShown) process.stderr.write('\r\x1b[K')
  }
}

/** Bytes for people. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`
}
