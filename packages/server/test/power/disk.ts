// An in-memory block device that logs every write and flush. It can simulate a power failure at any
// position of the log: everything flushed survives, and a random part of the rest. It speaks NBD
// (https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md).

import { createServer, type Server, type Socket } from 'node:net'
import type { Choices } from '../crash/content.ts'

/** The unit that a power failure keeps or loses as a whole. */
const blockBytes = 4096

const optionMagic = Buffer.from('IHAVEOPT')
const optionReplyMagic = 0x3e889045565a9n
const requestMagic = 0x25609513
const replyMagic = 0x67446698
const flagFixedNewstyle = 1
const optionAbort = 2
const optionGo = 7
const replyAck = 1
const replyInfo = 3
const replyUnsupported = 2 ** 31 + 1
const flagsHasFlagsAndFlush = 1 | 4
const commandRead = 0
const commandWrite = 1
const commandDisconnect = 2
const commandFlush = 3
const einval = 22
const requestBytes = 28
const optionHeaderBytes = 16

/** A write within one block. */
interface Piece {
  readonly block: number
  readonly offset: number
  readonly data: Buffer
}

/** Parameters of a power failure. */
export interface PowerFailure {
  /** The position in the log at which the power fails. */
  readonly position: number
  readonly choices: Choices
  /** The share of unflushed pieces that survive. */
  readonly keptShare: number
  /** If given, the disk ignores flushes after this position. */
  readonly lastHonestFlush?: number
}

/** The device. Serve it, mount it, write; then derive the disk that a power failure leaves. */
export class Disk {
  readonly sizeBytes: number
  readonly #base: ReadonlyMap<number, Buffer>
  readonly #blocks: Map<number, Buffer>
  readonly #log: (Piece | 'flush')[] = []
  #server: Server | undefined

  constructor(sizeBytes: number, base: ReadonlyMap<number, Buffer> = new Map()) {
    this.sizeBytes = sizeBytes
    this.#base = base
    this.#blocks = new Map(base)
  }

  /** Length of the log: the number of pieces written and flushes done. */
  get position(): number {
    return this.#log.length
  }

  /** Number of flushes in the log. */
  get flushes(): number {
    return this.#log.filter((entry) => entry === 'flush').length
  }

  /** The disk as it is after the power failure. */
  afterPowerFailure(failure: PowerFailure): Disk {
    const { position, choices, keptShare, lastHonestFlush = position } = failure
    const lastFlush = this.#log.lastIndexOf('flush', Math.min(position, lastHonestFlush) - 1)
    const blocks = new Map(this.#base)
    for (const [index, entry] of this.#log.slice(0, position).entries()) {
      if (entry === 'flush') continue
      if (index < lastFlush || choices.fraction() < keptShare) apply(blocks, entry)
    }
    return new Disk(this.sizeBytes, blocks)
  }

  /** Serves the device on a Unix socket until `close`. */
  async listen(path: string): Promise<void> {
    const server = createServer((socket) => new Connection(socket, this))
    this.#server = server
    await new Promise<void>((resolve) => server.listen(path, resolve))
  }

  /** Stops serving. */
  close(): void {
    this.#server?.close()
  }

  /** The current bytes of a range. */
  read(start: number, length: number): Buffer {
    const result = Buffer.alloc(length)
    for (let at = 0; at < length; ) {
      const offset = (start + at) % blockBytes
      const count = Math.min(blockBytes - offset, length - at)
      const block = this.#blocks.get(Math.floor((start + at) / blockBytes))
      block?.copy(result, at, offset, offset + count)
      at += count
    }
    return result
  }

  /** Writes and logs; the data must not be modified afterwards. */
  write(start: number, data: Buffer): void {
    for (let at = 0; at < data.length; ) {
      const offset = (start + at) % blockBytes
      const count = Math.min(blockBytes - offset, data.length - at)
      const block = Math.floor((start + at) / blockBytes)
      const piece = { block, offset, data: data.subarray(at, at + count) }
      this.#log.push(piece)
      apply(this.#blocks, piece)
      at += count
    }
  }

  /** Logs a flush: everything written so far is durable. */
  flush(): void {
    this.#log.push('flush')
  }
}

function apply(blocks: Map<number, Buffer>, { block, offset, data }: Piece): void {
  if (data.length === blockBytes) {
    blocks.set(block, data)
    return
  }
  // Blocks are shared between disks and with the log, so they are never changed in place.
  const copy = Buffer.from(blocks.get(block) ?? Buffer.alloc(blockBytes))
  data.copy(copy, offset)
  blocks.set(block, copy)
}

/** One NBD client: the handshake, then commands, answered in order. */
class Connection {
  readonly #socket: Socket
  readonly #disk: Disk
  #pending: Buffer[] = []
  #pendingBytes = 0
  #phase: 'flags' | 'options' | 'commands' = 'flags'

  constructor(socket: Socket, disk: Disk) {
    this.#socket = socket
    this.#disk = disk
    const greeting = Buffer.concat([Buffer.from('NBDMAGIC'), optionMagic, Buffer.alloc(2)])
    greeting.writeUInt16BE(flagFixedNewstyle, 16)
    socket.write(greeting)
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      this.#pending.push(chunk)
      this.#pendingBytes += chunk.length
      while (this.#step());
    })
  }

  /** Consumes one complete message from the input; false if none is complete. */
  #step(): boolean {
    switch (this.#phase) {
      case 'flags':
        if (this.#take(4) === undefined) return false
        this.#phase = 'options'
        return true
      case 'options':
        return this.#option()
      case 'commands':
        return this.#command()
    }
  }

  #option(): boolean {
    const head = this.#peek(optionHeaderBytes)
    if (head === undefined) return false
    const option = head.readUInt32BE(8)
    if (this.#take(optionHeaderBytes + head.readUInt32BE(12)) === undefined) return false
    if (option === optionGo) {
      const info = Buffer.alloc(12)
      info.writeBigUInt64BE(BigInt(this.#disk.sizeBytes), 2)
      info.writeUInt16BE(flagsHasFlagsAndFlush, 10)
      this.#optionReply(option, replyInfo, info)
      this.#optionReply(option, replyAck)
      this.#phase = 'commands'
    } else if (option === optionAbort) {
      this.#optionReply(option, replyAck)
      this.#socket.end()
    } else {
      this.#optionReply(option, replyUnsupported)
    }
    return true
  }

  #optionReply(option: number, type: number, data: Buffer = Buffer.alloc(0)): void {
    const head = Buffer.alloc(20)
    head.writeBigUInt64BE(optionReplyMagic, 0)
    head.writeUInt32BE(option, 8)
    head.writeUInt32BE(type, 12)
    head.writeUInt32BE(data.length, 16)
    this.#socket.write(Buffer.concat([head, data]))
  }

  #command(): boolean {
    const head = this.#peek(requestBytes)
    if (head === undefined) return false
    if (head.readUInt32BE(0) !== requestMagic) {
      this.#socket.destroy()
      return false
    }
    const command = head.readUInt16BE(6)
    const offset = Number(head.readBigUInt64BE(16))
    const length = head.readUInt32BE(24)
    const whole = this.#take(requestBytes + (command === commandWrite ? length : 0))
    if (whole === undefined) return false
    const cookie = Buffer.from(head.subarray(8, 16))
    switch (command) {
      case commandRead:
        this.#reply(cookie, 0, this.#disk.read(offset, length))
        return true
      case commandWrite:
        this.#disk.write(offset, Buffer.from(whole.subarray(requestBytes)))
        this.#reply(cookie, 0)
        return true
      case commandFlush:
        this.#disk.flush()
        this.#reply(cookie, 0)
        return true
      case commandDisconnect:
        this.#socket.end()
        return false
      default:
        this.#reply(cookie, einval)
        return true
    }
  }

  #reply(cookie: Buffer, error: number, data: Buffer = Buffer.alloc(0)): void {
    const head = Buffer.alloc(8)
    head.writeUInt32BE(replyMagic, 0)
    head.writeUInt32BE(error, 4)
    this.#socket.write(Buffer.concat([head, cookie, data]))
  }

  #peek(length: number): Buffer | undefined {
    if (this.#pendingBytes < length) return undefined
    const joined = this.#pending.length === 1 ? this.#pending[0] : Buffer.concat(this.#pending)
    this.#pending = joined === undefined ? [] : [joined]
    return joined?.subarray(0, length)
  }

  #take(length: number): Buffer | undefined {
    const taken = this.#peek(length)
    if (taken === undefined) return undefined
    const rest = this.#pending[0]?.subarray(length)
    this.#pending = rest === undefined || rest.length === 0 ? [] : [rest]
    this.#pendingBytes -= length
    return taken
  }
}
