// A pool of buffers for bodies: allocating a buffer costs more than filling it. The idle memory is
// bounded. So is the memory of large buffers, for when many bodies are slow.

/** The buffer pool of the readers and writers of bodies. */
export interface Buffers {
  /** A buffer of `sizeBytes`, or a smaller one while memory is short. The content is arbitrary. */
  take(sizeBytes: number): Buffer
  /** Returns `buffer` to the pool. There must be no other references to it. */
  give(buffer: Buffer): void
  /** Gives up `buffer` without reuse, since a reference to it may remain. */
  drop(buffer: Buffer): void
}

/** Limits in bytes. */
export interface BufferLimits {
  /** The size of a buffer that is handed out when memory is short. */
  readonly smallBytes: number
  /** Total memory in use above which only small buffers are handed out. */
  readonly inUseBytes: number
  /** Maximum of idle memory. */
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
