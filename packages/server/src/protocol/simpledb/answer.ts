// Authenticated requests of the query protocol, actions, and answers.

import type { SimpleDbLimits } from '../../base/limits.ts'
import type { Caller, Operation, Services } from '../../operation/operation.ts'
import { run } from '../../operation/run.ts'
import { XmlWriter } from '../xml/write.ts'
import { xmlDeclaration } from './error.ts'
import type { Parameters } from './parameters.ts'
import { formatUsage, type Usage } from './usage.ts'

/** The supported versions of the API. */
export type ApiVersion = '2009-04-15' | '2007-11-07'

/** An authenticated request for an action. */
export interface ActionRequest {
  readonly parameters: Parameters
  readonly limits: SimpleDbLimits
}

/** The result of an action. */
export interface ActionResult {
  /** Writes the content of the result element; undefined for an action without one. */
  readonly write?: ((xml: XmlWriter) => void) | undefined
  readonly usage: Usage
}

/** The context of a call. */
export interface Call {
  readonly services: Services
  readonly caller: Caller
}

/** An action. */
export interface Action {
  readonly name: string
  /** The cost of a refused request. */
  readonly baseUsage: Usage
  answer(request: ActionRequest, call: Call): Promise<ActionResult>
}

/** The action that decodes a request for `operation`, runs it, and encodes its output. */
export function action<Input, Checked, Moved, Output>(
  operation: Operation<Input, Checked, Moved, Output>,
  baseUsage: Usage,
  decode: (request: ActionRequest) => Input,
  encode: (output: Output, input: Input) => ActionResult,
): Action {
  return {
    name: operation.name,
    baseUsage,
    async answer(request, { services, caller }) {
      const input = decode(request)
      return encode(await run(services, caller, operation, input), input)
    },
  }
}

/** The XML document of an answer. */
export function answerBody(
  { write, usage }: ActionResult,
  context: {
    readonly action: string
    readonly version: ApiVersion
    readonly requestId: string
  },
): string {
  const { action: name, version, requestId } = context
  const xmlns = `http://sdb.amazonaws.com/doc/${version}/`
  const xml = new XmlWriter(xmlDeclaration).open(`${name}Response`, { xmlns })
  if (write !== undefined) {
    // Clients require the element, even if it is empty.
    xml.open(`${name}Result`)
    write(xml)
    xml.close(`${name}Result`)
  }
  return xml
    .open('ResponseMetadata')
    .element('RequestId', requestId)
    .element('BoxUsage', formatUsage(usage))
    .close('ResponseMetadata')
    .close(`${name}Response`)
    .toString()
}
