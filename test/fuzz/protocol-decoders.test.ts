/** Every decoder of the wire: only ProtocolError may come out. */
import { ProtocolError } from '../../src/protocol/index.ts'
import { PROTOCOL_TARGETS } from './targets/protocol.ts'
import { fuzz } from './targets/run.ts'

fuzz(PROTOCOL_TARGETS, (error) => error instanceof ProtocolError)
