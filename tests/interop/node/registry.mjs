// Registers, looks up and reads schemas with KafkaJS's client, and prints what it saw. It has no call for compatibility, versions or a schema's text.

import { readFileSync } from 'node:fs'
import confluent from '@kafkajs/confluent-schema-registry'

const subject = process.env.INTEROP_SUBJECT
const [first, second, broken] = ['FIRST', 'SECOND', 'BROKEN'].map((name) => ({ type: 'AVRO', schema: process.env[`INTEROP_SCHEMA_${name}`] }))
const connect = () => new confluent.SchemaRegistry({ host: process.env.PENSTOCK_SCHEMA_REGISTRY_URL })
const registry = connect()

async function refused(schema) {
  try {
    await registry.register(schema, { subject })
  } catch (error) {
    return error.status
  }
  return 0
}

const saw = {
  client: `@kafkajs/confluent-schema-registry ${JSON.parse(readFileSync('node_modules/@kafkajs/confluent-schema-registry/package.json')).version}`,
  runtime: process.versions.node,
  first_id: (await registry.register(first, { subject })).id,
  first_id_again: (await registry.register(first, { subject })).id,
  second_id: (await registry.register(second, { subject })).id,
  broken_code: await refused(broken),
  latest_id: await registry.getLatestSchemaId(subject),
}
const fresh = connect()
saw.looked_up_id = await fresh.getRegistryIdBySchema(subject, first)
const written = await registry.encode(saw.second_id, { id: 'a', delay: 1.5, note: 'fog' })
saw.framed_id = written.readInt32BE(1)
saw.record = await fresh.decode(written)
console.log(JSON.stringify(saw))
