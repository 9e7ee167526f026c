// Buffers that bodies pass through, used again and again: making one costs more than filling it.
// How much lies idle is bounded, and so is how much large buffers take while many bodies are slow.

/** Where the readers and writers of bodies get their memory. */
export interface Buffers {
  /** A buffer of `sizeBytes`, or a smaller one while memory is short. Its content is arbitrary. */
  take(sizeBytes: number): Buffer
  /** Hands `buffer` back for others to use; nobody may still look at it. */
  give(buffer: Buffer): void
  /** Hands `buffer` back, but somebody may still look at it, so it's never used again. */
  drop(buffer: Buffer): void
}

/** Bounds in bytes. */
export interface BufferLimits {
  /** The size of a buffer that is handed out when memory is short. */
  readonly smallBytes: number
  /** Memory in use, in all, above which only small buffers are handed out. */
  readonly inUseBytes: number
  /** Memory kept for later. */
  readonly idleBytes: number
}

export function createBuffers(limits: BufferLimits): Buffers {
  const idle = new Map<number, Buffer[]>()
  let idleBytes = 0
  let inUseBytes = 0
  return {
    take(wantedBytes) {
      const isShort = inUseBytes + wantedBytes > limits.inUseBytes
      const sizeBytes = isShort ? Math.min(wantedBytes, limits.smallBytes) : wantedBytes
      inUseBytes += sizeBytes
      const buffer = idle.get(sizeBytes)?.pop()
      if (buffer === undefined) return Buffer.allocUnsafeSlow(sizeBytes)
      idleBytes -= sizeBytes
      return buffer
    },
    give(buffer) {
      inUseBytes -= buffer.byteLength
      if (idleBytes + buffer.byteLength > limits.idleBytes) return
      idleBytes += buffer.byteLength
      const others = idle.get(buffer.byteLength)
      if (others === undefined) idle.set(buffer.byteLength, [buffer])
      else others.push(buffer)
    },
    drop(buffer) {
      inUseBytes -= buffer.byteLength
    },
  }
}
