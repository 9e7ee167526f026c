// Where a backup is written: a folder or a stream.

import type { Bytes } from '../base/bytes.ts'

export interface BackupSink {
  /**
   * Stores a file of `sizeBytes` bytes under `name`. If `content` throws, the file is not part of the
   * backup, and the error is rethrown. A stream has its bytes all the same, filled up with zeros.
   */
  put(
    name: string,
    sizeBytes: number,
    content: AsyncIterable<Bytes> | Iterable<Bytes>,
  ): Promise<void>
  /** A file that an interrupted attempt has left; undefined if it left none of that size. */
  findEarlier(name: string, sizeBytes: number): Promise<AsyncIterable<Bytes> | undefined>
  /** Makes a file of the interrupted attempt one of this backup. */
  keepEarlier(name: string): Promise<void>
  /** Makes everything durable, and then the file `name`, which is the last one. */
  finish(name: string, content: Bytes): Promise<void>
}
