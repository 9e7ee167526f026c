// Reads the XML of request bodies into a small tree: strict, bounded, without DTD or custom entities.
// Namespaces are ignored, since clients send S3's current namespace, an older one, or none.
import { SaxesParser, type SaxesTagNS } from 'saxes'
import { StoreError } from '../../base/errors.ts'
import { Breaks } from '../../base/fair-queue.ts'
import { ownLimits, s3Limits } from '../../base/limits.ts'

/** An element. Names are local: without prefix and namespace. */
export interface XmlElement {
  readonly name: string
  /** Attributes by local name, such as `type` for `xsi:type`, without namespace declarations. */
  readonly attributes: ReadonlyMap<string, string>
  /** The joined character data directly inside, with white space. */
  readonly text: string
  readonly children: readonly XmlElement[]
}

/** Bounds of one document; each has a default from base/limits.ts. */
export interface XmlBounds {
  readonly maximumBytes?: number
  readonly maximumElements?: number
  readonly maximumDepth?: number
}

interface OpenElement {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  text: string
  children: OpenElement[]
}

const noAttributes: ReadonlyMap<string, string> = new Map()
// Shared by all leaves to save memory. Nothing is ever pushed to it.
const noChildren: OpenElement[] = []

/**
 * Parses a UTF-8 document, and returns its root element.
 * @throws StoreError MalformedXml if the text isn't well-formed XML in UTF-8, has a DTD, or exceeds the bounds
 */
export function parseXml(body: Uint8Array, bounds: XmlBounds = {}): XmlElement {
  const reading = new Reading(body, bounds)
  while (!reading.isAtEnd) reading.step()
  return reading.root()
}

/** The same for large documents, with breaks for other work. */
export async function parseXmlWithBreaks(
  body: Uint8Array,
  bounds: XmlBounds = {},
): Promise<XmlElement> {
  const reading = new Reading(body, bounds)
  const breaks = new Breaks()
  while (!reading.isAtEnd) {
    reading.step()
    if (breaks.isDue) await breaks.take()
  }
  return reading.root()
}

/** The bytes that are parsed without a break. */
const stepBytes = 8192

/** The incremental parsing of a document. */
class Reading {
  readonly #body: Uint8Array
  readonly #tree: TreeBuilder
  readonly #parser = new SaxesParser({ xmlns: true })
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  #at = 0

  constructor(body: Uint8Array, bounds: XmlBounds) {
    if (body.byteLength > (bounds.maximumBytes ?? s3Limits.xmlBodyBytes)) throw malformedXml()
    this.#body = body
    this.#tree = new TreeBuilder(
      bounds.maximumElements ?? ownLimits.xmlElements,
      bounds.maximumDepth ?? ownLimits.xmlDepth,
    )
    const tree = this.#tree
    const parser = this.#parser
    parser.on('opentag', (tag) => tree.open(tag))
    parser.on('closetag', () => tree.close())
    parser.on('attribute', () => tree.countAttribute())
    parser.on('text', (text) => tree.addText(text))
    parser.on('cdata', (text) => tree.addText(text))
    parser.on('comment', (text) => tree.countAside(text.length))
    parser.on('processinginstruction', ({ body }) => tree.countAside(body.length))
    parser.on('doctype', () => {
      throw malformedXml()
    })
    parser.on('error', (cause) => {
      throw malformedXml(cause)
    })
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#body.byteLength
  }

  step(): void {
    const events = this.#tree.events
    const piece = this.#body.subarray(this.#at, this.#at + stepBytes)
    this.#at += piece.byteLength
    this.#parser.write(this.#decode(piece))
    this.#tree.countBytes(piece.byteLength, this.#tree.events > events)
  }

  root(): XmlElement {
    this.#parser.write(this.#decode()).close()
    if (this.#tree.root === undefined) throw malformedXml()
    return this.#tree.root
  }

  #decode(piece?: Uint8Array): string {
    try {
      return this.#decoder.decode(piece, { stream: piece !== undefined })
    } catch (cause) {
      throw malformedXml(cause)
    }
  }
}

class TreeBuilder {
  root: OpenElement | undefined
  readonly #maximumElements: number
  readonly #maximumDepth: number
  readonly #path: OpenElement[] = []
  /** The number of complete parts of the document. */
  events = 0
  #elements = 0
  #attributes = 0
  #asides = 0
  #asidesLength = 0
  /** A lower bound of the bytes of the incomplete part. */
  #partBytes = 0

  constructor(maximumElements: number, maximumDepth: number) {
    this.#maximumElements = maximumElements
    this.#maximumDepth = maximumDepth
  }

  open(tag: SaxesTagNS): void {
    this.events++
    this.#elements++
    if (this.#elements > this.#maximumElements || this.#path.length >= this.#maximumDepth) {
      throw malformedXml()
    }
    const element = {
      name: tag.local,
      attributes: attributesOf(tag),
      text: '',
      children: noChildren,
    }
    const parent = this.#path.at(-1)
    if (parent === undefined) this.root = element
    else if (parent.children === noChildren) parent.children = [element]
    else parent.children.push(element)
    this.#path.push(element)
  }

  countAttribute(): void {
    this.events++
    this.#attributes++
    if (this.#attributes > ownLimits.xmlAttributes) throw malformedXml()
  }

  /** Counts comments and processing instructions, of which documents need few and short ones. */
  countAside(length: number): void {
    this.events++
    this.#asides++
    this.#asidesLength += length
    const { xmlAsides, xmlPartBytes } = ownLimits
    if (this.#asides > xmlAsides || this.#asidesLength > xmlPartBytes) throw malformedXml()
  }

  /** Limits the size of a part, such as a comment, before it ends. */
  countBytes(bytes: number, hadEvents: boolean): void {
    this.#partBytes = hadEvents ? 0 : this.#partBytes + bytes
    if (this.#partBytes > ownLimits.xmlPartBytes) throw malformedXml()
  }

  close(): void {
    this.events++
    this.#path.pop()
  }

  addText(text: string): void {
    this.events++
    const element = this.#path.at(-1)
    if (element) element.text += text
  }
}

function attributesOf(tag: SaxesTagNS): ReadonlyMap<string, string> {
  let attributes: Map<string, string> | undefined
  for (const { prefix, local, value } of Object.values(tag.attributes)) {
    if (prefix === 'xmlns' || local === 'xmlns') continue
    attributes ??= new Map()
    attributes.set(local, value)
  }
  return attributes ?? noAttributes
}

/** The error for malformed XML, and for well-formed XML that violates the schema. */
export function malformedXml(cause?: unknown): StoreError {
  return new StoreError({ code: 'MalformedXml' }, { cause })
}

/** The first child of that name. */
export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name)
}

/** All children of that name, in order. */
export function childrenOf(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name)
}

/** The text of the first child of that name; undefined without such a child. */
export function childText(element: XmlElement, name: string): string | undefined {
  return childOf(element, name)?.text
}
