// The action Select, and the extension that explains its plan.

import { explainSelect, type SelectOutput, select } from '../../operation/select.ts'
import type { XmlWriter } from '../xml/write.ts'
import { type Action, type ActionResult, action } from './answer.ts'
import { decodeConsistentRead, writeAttributes } from './attribute.ts'
import { writeText } from './text.ts'
import { baseUsage, countUsage, selectUsage } from './usage.ts'

export const selectAction: Action = action(
  select,
  baseUsage.select,
  ({ parameters }) => ({
    expression: parameters.need('SelectExpression'),
    nextToken: parameters.find('NextToken'),
    consistentRead: decodeConsistentRead(parameters),
  }),
  encodePage,
)

export const explainSelectAction: Action = action(
  explainSelect,
  baseUsage.select,
  ({ parameters }) => ({ expression: parameters.need('SelectExpression') }),
  (explanation) => ({
    usage: baseUsage.select,
    write: (xml) => writeText(xml, 'Plan', JSON.stringify(explanation)),
  }),
)

function encodePage({ items, count, nextToken }: SelectOutput): ActionResult {
  if (count !== undefined) {
    return {
      usage: countUsage(count),
      write(xml) {
        writeItem(xml, 'Domain', [['Count', [String(count)]]])
        xml.element('NextToken', nextToken)
      },
    }
  }
  const names = new Set<string>()
  for (const { attributes } of items) for (const name of attributes.keys()) names.add(name)
  return {
    usage: selectUsage({ items: items.length, names: names.size }),
    write(xml) {
      for (const { name, attributes } of items) {
        writeItem(xml, name, attributes)
      }
      xml.element('NextToken', nextToken)
    },
  }
}

function writeItem(
  xml: XmlWriter,
  name: string,
  attributes: Parameters<typeof writeAttributes>[1],
): void {
  xml.open('Item')
  writeText(xml, 'Name', name)
  writeAttributes(xml, attributes)
  xml.close('Item')
}
