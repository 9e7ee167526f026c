// S3's response to a head that is too large for the parser.

import { ownLimits } from '../../base/limits.ts'
import type { BareAnswer } from '../http/server.ts'
import { XmlWriter } from '../xml/write.ts'

export const headersTooLarge: BareAnswer = {
  status: 400,
  type: 'application/xml',
  text: new XmlWriter()
    .open('Error')
    .element('Code', 'RequestHeaderSectionTooLarge')
    .element(
      'Message',
      'Your request header and query parameters used to make the request exceed the maximum allowed size.',
    )
    .element('MaxSizeAllowed', ownLimits.headerBytes)
    .close('Error')
    .toString(),
}
